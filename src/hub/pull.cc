#include "hub/pull.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/error.h"
#include "base/glob.h"
#include "files/folder.h"
#include "files/output_lock.h"
#include "hub/download.h"

namespace lq::hub {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kAnswerLimit = 64 << 20;  // bytes

std::string environment(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

bool ends_in(std::string_view file, std::initializer_list<std::string_view> ends) {
  return std::ranges::any_of(ends, [&](std::string_view end) { return file.ends_with(end); });
}

bool is_of_model(std::string_view file) {
  return file.find('/') == std::string_view::npos &&
         ends_in(file, {".json", ".safetensors", ".model", ".jinja", ".tiktoken", "merges.txt", "vocab.txt"});
}

class Puller {
 public:
  Puller(const PullOptions& options, Progress& progress, const StopToken& stop)
      : o_(options),
        progress_(progress),
        stop_(stop),
        repository_(parse_repository(options.repository, "pull")),
        cache_(options.cache.empty() ? default_cache() : options.cache, repository_) {
    endpoint_ = o_.endpoint.empty() ? environment("HF_ENDPOINT") : o_.endpoint;
    if (endpoint_.empty()) endpoint_ = "https://huggingface.co";
    while (endpoint_.ends_with('/')) endpoint_.pop_back();
    LQ_CHECK(endpoint_.starts_with("http://") || endpoint_.starts_with("https://"), kInvalidArgument,
             "HF_ENDPOINT: \"{}\" is no address of the web", endpoint_);
    token_ = environment("HF_TOKEN");
    if (token_.empty()) token_ = stored_token();
  }

  PullReport offline() const {
    const auto commit = cache_.commit();
    std::error_code ignored;
    LQ_CHECK(commit && fs::is_directory(cache_.snapshot(*commit), ignored), kNotFound,
             "{}: not in the cache {}", repository_.text(), cache_.folder().string());
    PullReport report = {.commit = *commit, .snapshot = cache_.snapshot(*commit)};
    std::vector<std::string> there;
    for (const auto& entry : fs::recursive_directory_iterator(report.snapshot)) {
      if (entry.is_regular_file()) there.push_back(entry.path().lexically_relative(report.snapshot).string());
    }
    std::ranges::sort(there);
    report.files = wanted(there);
    return report;
  }

  PullReport online() {
    fs::create_directories(cache_.folder());
    const OutputLock lock = OutputLock::take(cache_.folder() / ".lqlora.lock", cache_.folder());
    const RevisionAnswer answer = again([&] { return revision(); });
    PullReport report = {.commit = answer.commit, .snapshot = cache_.snapshot(answer.commit)};
    report.files = wanted(answer.files);
    std::vector<FileAnswer> files;
    std::int64_t total = 0;
    for (const std::string& name : report.files) {
      files.push_back(again([&] { return file(answer.commit, name); }));
      total += files.back().size;
    }
    progress_.begin("pull", total, "bytes");
    std::int64_t done = 0;
    for (std::size_t i = 0; i < files.size(); ++i) {
      const std::string& name = report.files[i];
      if (!fs::exists(cache_.blob(files[i].etag))) {
        again([&] {
          download(
              source(answer.commit, name), files[i], cache_,
              [&](std::int64_t bytes) { progress_.update(done + bytes, name); }, stop_);
          return true;
        });
        ++report.downloaded;
        report.downloaded_bytes += files[i].size;
      }
      cache_.link(answer.commit, name, files[i].etag);
      done += files[i].size;
      progress_.update(done, name);
    }
    progress_.end();
    cache_.set_commit(answer.commit);
    return report;
  }

 private:
  std::vector<std::string> wanted(const std::vector<std::string>& there) const {
    std::vector<std::string> files = wanted_files(there, o_.files);
    LQ_CHECK(!files.empty(), kNotFound, "{}: none of its {} files is asked for{}", repository_.text(),
             there.size(), o_.files.empty() ? "" : " (`file` " + o_.files.front() + ")");
    return files;
  }

  static std::string stored_token() {
    const std::string home = environment("HF_HOME");
    const Folder folder(home.empty() ? fs::path(environment("HOME")) / ".cache" / "huggingface"
                                     : fs::path(home));
    if (!folder.has("token")) return {};
    std::string text = folder.read("token", 4096);
    while (!text.empty() && static_cast<unsigned char>(text.back()) <= 0x20) text.pop_back();
    return text;
  }

  // Connections fail, and are tried again; what is wrong in itself is not.
  template <typename Call>
  auto again(const Call& call) const -> decltype(call()) {
    double wait = o_.wait_seconds;
    for (int left = o_.tries - 1;; --left) {
      try {
        return call();
      } catch (const Error& e) {
        if (e.code() != ErrorCode::kIo || left <= 0) throw;
        progress_.note(fmt::format("pull: {}; trying again", e.what()));
      }
      for (double waited = 0.0; waited < wait; waited += 0.1) {
        stop_.check();
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
      }
      wait *= 2.0;
    }
  }

  DownloadSource source(const std::string& commit, const std::string& name) const {
    return {.url = fmt::format("{}/{}/resolve/{}/{}", endpoint_, repository_.path(), commit, name),
            .token = token_,
            .name = fmt::format("{} {}", repository_.text(), name),
            .stall_seconds = o_.stall_seconds};
  }

  RevisionAnswer revision() const {
    const std::string url =
        fmt::format("{}/api/{}/{}/revision/{}", endpoint_, repository_.dataset ? "datasets" : "models",
                    repository_.name, repository_.revision);
    std::string body;
    const HttpResponse response = http(
        {.url = url, .token = token_, .range = {}, .stall_seconds = o_.stall_seconds},
        [](const HttpResponse& head) { return head.status == 200; },
        [&](const char* bytes, std::size_t size) {
          LQ_CHECK(body.size() + size <= kAnswerLimit, kCorruptFile, "{}: an answer of more than {} bytes",
                   url, kAnswerLimit);
          body.append(bytes, size);
        },
        stop_);
    if (response.status != 200) refuse_status(response, repository_.text());
    return parse_revision(body, url);
  }

  // The first answer holds the hash; redirects lead to where the content lies.
  FileAnswer file(const std::string& commit, const std::string& name) const {
    const DownloadSource from = source(commit, name);
    std::string url = from.url;
    for (int hops = 0;; ++hops) {
      const HttpResponse head = http(
          {.url = url,
           .token = token_,
           .range = {},
           .head = true,
           .follow = false,
           .stall_seconds = o_.stall_seconds},
          [](const HttpResponse&) { return false; }, [](const char*, std::size_t) {}, stop_);
      const bool redirected = head.status >= 300 && head.status < 400;
      if (head.status == 200 || (redirected && !head.header("x-linked-etag").empty()))
        return parse_file(head, from.name);
      const std::string to = head.header("location");
      // A renamed repository: on the same host.
      if (!redirected || !to.starts_with('/') || to.starts_with("//") || hops >= 3)
        refuse_status(head, from.name);
      url = endpoint_.substr(0, endpoint_.find('/', endpoint_.find("//") + 2)) + to;
    }
  }

  const PullOptions& o_;
  Progress& progress_;
  const StopToken& stop_;
  Repository repository_;
  HubCache cache_;
  std::string endpoint_, token_;
};

}  // namespace

nlohmann::ordered_json to_json(const PullReport& r) {
  return {{"commit", r.commit},
          {"snapshot", r.snapshot.string()},
          {"files", r.files},
          {"downloaded", r.downloaded},
          {"downloaded_bytes", r.downloaded_bytes}};
}

std::vector<std::string> wanted_files(const std::vector<std::string>& files,
                                      const std::vector<std::string>& globs) {
  std::vector<std::string> wanted;
  const auto take = [&](const auto& condition) {
    std::ranges::copy_if(files, std::back_inserter(wanted), condition);
  };
  if (!globs.empty()) {
    take([&](const std::string& file) {
      return std::ranges::any_of(globs, [&](const std::string& glob) { return glob_match(glob, file); });
    });
    return wanted;
  }
  if (std::ranges::any_of(files, [](const std::string& file) {
        return file.ends_with(".safetensors") && file.find('/') == std::string::npos;
      })) {
    take([](const std::string& file) { return is_of_model(file); });
    return wanted;
  }
  take([](const std::string& file) {
    return !ends_in(file, {".bin", ".pt", ".pth", ".h5", ".msgpack", ".onnx", ".ot", ".tflite", ".pkl"});
  });
  return wanted;
}

PullReport pull(const PullOptions& options, Progress& progress, const StopToken& stop) {
  Puller puller(options, progress, stop);
  return options.offline ? puller.offline() : puller.online();
}

}  // namespace lq::hub
