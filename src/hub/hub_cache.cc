#include "hub/hub_cache.h"

#include <cstdlib>

#include "base/error.h"
#include "files/atomic_file.h"
#include "files/folder.h"

namespace lq::hub {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kScheme = "hf:";
constexpr std::uint64_t kRefLimit = 4096;

fs::path from_environment(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

}  // namespace

fs::path default_cache() {
  if (const fs::path cache = from_environment("HF_HUB_CACHE"); !cache.empty()) return cache;
  if (const fs::path home = from_environment("HF_HOME"); !home.empty()) return home / "hub";
  const fs::path home = from_environment("HOME");
  return (home.empty() ? fs::path(".") : home) / ".cache" / "huggingface" / "hub";
}

HubCache::HubCache(const fs::path& cache, const Repository& repository)
    : folder_(cache / repository.folder()), revision_(repository.revision) {}

std::optional<std::string> HubCache::commit() const {
  if (is_commit(revision_)) return revision_;
  const Folder refs(folder_ / "refs");
  if (!refs.has(revision_)) return std::nullopt;
  std::string text = refs.read(revision_, kRefLimit);
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' ')) text.pop_back();
  LQ_CHECK(is_commit(text), kCorruptFile, "{}: no commit of 40 digits",
           (folder_ / "refs" / revision_).string());
  return text;
}

void HubCache::set_commit(std::string_view commit) const {
  if (is_commit(revision_)) return;
  const fs::path ref = folder_ / "refs" / revision_;
  fs::create_directories(ref.parent_path());
  write_file_atomically(ref, commit);
}

void HubCache::link(std::string_view commit, std::string_view file, std::string_view etag) const {
  const fs::path at = snapshot(commit) / file;
  fs::create_directories(at.parent_path());
  fs::path target = "../..";
  for (const char c : file) {
    if (c == '/') target /= "..";
  }
  target /= fs::path("blobs") / etag;
  std::error_code ignored;
  if (fs::is_symlink(at, ignored) && fs::read_symlink(at, ignored) == target) return;
  const fs::path fresh = fs::path(at).concat(".new");
  fs::remove(fresh);
  fs::create_symlink(target, fresh);
  fs::rename(fresh, at);
}

fs::path local_model(const fs::path& path) {
  const std::string text = path.string();
  if (!text.starts_with(kScheme)) return path;
  const std::string name = text.substr(kScheme.size());
  const HubCache cache(default_cache(), parse_repository(name, text));
  const auto commit = cache.commit();
  std::error_code ignored;
  LQ_CHECK(commit && fs::is_directory(cache.snapshot(*commit), ignored), kNotFound,
           "{}: not in the cache {}; fetch it by `lqlora pull {}`", text, default_cache().string(), name);
  const fs::path folder = cache.snapshot(*commit);
  if (fs::exists(folder / "config.json", ignored)) return folder;
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() == ".gguf") files.push_back(entry.path());
  }
  return files.size() == 1 ? files.front() : folder;
}

}  // namespace lq::hub
