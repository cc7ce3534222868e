#pragma once
// Sets and maps of the last so many things: whoever names more of them than any honest peer does, makes us forget his
// oldest.

#include <cstddef>
#include <deque>
#include <map>
#include <set>

namespace agent::link {

template <class T>
class Recent {
 public:
  explicit Recent(std::size_t max) : max_(max) {}

  void insert(const T& value) {
    if (!values_.insert(value).second) return;
    order_.push_back(value);
    if (order_.size() <= max_) return;
    values_.erase(order_.front());
    order_.pop_front();
  }
  void clear() {
    values_.clear();
    order_.clear();
  }
  [[nodiscard]] bool contains(const T& value) const { return values_.contains(value); }
  [[nodiscard]] std::size_t size() const { return order_.size(); }

 private:
  std::size_t max_;
  std::set<T> values_;
  std::deque<T> order_;  // the same, oldest first
};

// A key that comes again keeps its place, and gets the new value.
template <class Key, class Value>
class RecentMap {
 public:
  explicit RecentMap(std::size_t max) : max_(max) {}

  void insert(const Key& key, const Value& value) {
    if (!values_.insert_or_assign(key, value).second) return;
    order_.push_back(key);
    if (order_.size() <= max_) return;
    values_.erase(order_.front());
    order_.pop_front();
  }
  [[nodiscard]] bool contains(const Key& key) const { return values_.contains(key); }
  // Nothing: it is not there.
  [[nodiscard]] const Value* find(const Key& key) const {
    const auto at = values_.find(key);
    return at == values_.end() ? nullptr : &at->second;
  }
  [[nodiscard]] std::size_t size() const { return order_.size(); }

 private:
  std::size_t max_;
  std::map<Key, Value> values_;
  std::deque<Key> order_;  // the same, oldest first
};

}  // namespace agent::link
