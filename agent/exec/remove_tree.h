#pragma once
// Removing what strangers have filled.

#include <string>

namespace agent::exec {

// Removes `name` below the open directory `parent`, whatever it is, with everything in it; success if nothing is there.
// Returns 0 or an errno. Links are removed, never followed; directories without permissions are given them. Takes two
// descriptors and constant memory however deep the tree is: a directory that is not empty is moved up to the top before
// it is entered, so there is nothing to recurse into and no ".." to climb.
[[nodiscard]] int remove_tree(int parent, const std::string& name);

}  // namespace agent::exec
