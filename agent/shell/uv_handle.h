#pragma once
// Ownership of libuv handles.
//
// A handle's memory may be freed only in its close callback, so the owner's deleter detaches the handle from the object
// (`data` becomes null), asks libuv to close it, and leaves the memory to the close callback. The object may die at any
// time; the handle outlives it. Callbacks begin with `if (auto* self = self_of<X>(handle))`.

#include <uv.h>

#include <memory>

namespace agent::shell {

template <class Handle>
struct UvClose {
  void operator()(Handle* handle) const noexcept {
    handle->data = nullptr;
    uv_close(reinterpret_cast<uv_handle_t*>(handle),
             [](uv_handle_t* closed) noexcept { delete reinterpret_cast<Handle*>(closed); });
  }
};

// REQUIRES: the handle was initialised (uv_*_init) before its owner dies.
template <class Handle>
using UvHandle = std::unique_ptr<Handle, UvClose<Handle>>;

template <class Owner, class Handle>
[[nodiscard]] Owner* self_of(Handle* handle) noexcept {
  return static_cast<Owner*>(handle->data);
}

}  // namespace agent::shell
