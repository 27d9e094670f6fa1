// Names on the hub: a repository and a revision of it, and the files in it.
#pragma once

#include <string>
#include <string_view>

namespace lq::hub {

struct Repository {
  bool dataset = false;
  std::string name;               // "ORG/NAME", or "NAME"
  std::string revision = "main";  // a branch, a tag, or a commit's 40 digits

  std::string path() const;    // in addresses: "ORG/NAME", "datasets/ORG/NAME"
  std::string folder() const;  // in the cache: "models--ORG--NAME"
  std::string text() const;    // for messages: "ORG/NAME@REV"
};

// "ORG/NAME", "ORG/NAME@REV", "datasets/ORG/NAME@REV". Throws Error(kInvalidArgument) starting with `who` for
// another text.
Repository parse_repository(std::string_view text, std::string_view who);

// A revision that names one state for good.
bool is_commit(std::string_view revision);

// Throws Error(kCorruptFile) starting with `who` for a name that is not one of a file inside a folder:
// absolute, with "..", or with signs that file systems or addresses take otherwise.
void check_file_name(std::string_view name, std::string_view who);

}  // namespace lq::hub
