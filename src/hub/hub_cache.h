// The hub's own cache on disk, shared with Hugging Face's programs:
//   CACHE/models--ORG--NAME/blobs/ETAG                  contents, by their hashes
//   CACHE/models--ORG--NAME/refs/main                   a branch's commit
//   CACHE/models--ORG--NAME/snapshots/COMMIT/FILE       links to blobs
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "hub/repository.h"

namespace lq::hub {

// HF_HUB_CACHE; else HF_HOME/hub; else ~/.cache/huggingface/hub.
std::filesystem::path default_cache();

class HubCache {
 public:
  HubCache(const std::filesystem::path& cache, const Repository& repository);

  const std::filesystem::path& folder() const { return folder_; }  // of the repository
  std::filesystem::path blob(std::string_view etag) const { return folder_ / "blobs" / etag; }
  std::filesystem::path snapshot(std::string_view commit) const { return folder_ / "snapshots" / commit; }
  // The commit that the revision is known to be; nothing where it is not.
  std::optional<std::string> commit() const;
  // Remembers what the revision is. Nothing for a revision that is a commit.
  void set_commit(std::string_view commit) const;
  // FILE of a snapshot becomes a link to the blob, in place of what was there. REQUIRES: check_file_name.
  void link(std::string_view commit, std::string_view file, std::string_view etag) const;

 private:
  std::filesystem::path folder_;
  std::string revision_;
};

// "hf:ORG/NAME[@REV]" as the folder of its snapshot in the default cache, or the one .gguf file of a snapshot
// that has no config.json; other paths as they are. Throws Error(kNotFound) naming the command that fetches
// it; Error(kInvalidArgument) for no repository's name.
std::filesystem::path local_model(const std::filesystem::path& path);

}  // namespace lq::hub
