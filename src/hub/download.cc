#include "hub/download.h"

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <vector>

#include "base/error.h"
#include "base/printable.h"
#include "hub/digest.h"

namespace lq::hub {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kPiece = 1 << 20;

// The hash that the ETag is.
std::string digest_of(const fs::path& path, const FileAnswer& file, const StopToken& stop) {
  Digest digest(file.etag.size() == 64 ? DigestKind::kSha256 : DigestKind::kSha1);
  if (file.etag.size() == 40) {  // as git hashes a blob
    digest.update(fmt::format("blob {}", file.size));
    digest.update(std::string_view("\0", 1));
  }
  std::ifstream in(path, std::ios::binary);
  std::vector<char> piece(kPiece);
  while (in) {
    stop.check();
    in.read(piece.data(), static_cast<std::streamsize>(piece.size()));
    digest.update(piece.data(), static_cast<std::size_t>(in.gcount()));
  }
  return digest.hex();
}

std::int64_t size_of(const fs::path& path) {
  std::error_code error;
  const auto size = fs::file_size(path, error);
  return error ? 0 : static_cast<std::int64_t>(size);
}

struct FileClose {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

}  // namespace

void refuse_status(const HttpResponse& response, const std::string& what) {
  const int status = response.status;
  const std::string said = response.header("x-error-message");
  LQ_CHECK(status != 401 && status != 403, kNotFound,
           "{}: the hub refuses access ({}): it is private or gated, or does not exist; set HF_TOKEN to a "
           "token that "
           "may read it{}",
           what, status, said.empty() ? "" : fmt::format(" ({})", printable(said)));
  LQ_CHECK(status != 404, kNotFound, "{}: not on the hub", what);
  LQ_CHECK(status != 429 && status < 500, kIo, "{}: the hub answers {}", what, status);
  fail(ErrorCode::kCorruptFile, "{}: the hub answers {}, which is none of its answers", what, status);
}

void download(const DownloadSource& source, const FileAnswer& file, const HubCache& cache,
              const std::function<void(std::int64_t)>& on_bytes, const StopToken& stop) {
  const fs::path blob = cache.blob(file.etag);
  const fs::path partial = fs::path(blob).concat(".incomplete");
  fs::create_directories(blob.parent_path());
  std::int64_t have = size_of(partial);
  if (have > file.size) {
    fs::remove(partial);
    have = 0;
  }
  if (have < file.size || !fs::exists(partial)) {
    std::unique_ptr<std::FILE, FileClose> out;
    const HttpRequest request = {.url = source.url,
                                 .token = source.token,
                                 .range = have > 0 ? fmt::format("{}-", have) : "",
                                 .stall_seconds = source.stall_seconds};
    const auto accept = [&](const HttpResponse& head) {
      if (head.status != 200 && head.status != 206) return false;
      const bool rest = head.status == 206;
      LQ_CHECK(!rest || range_begin(head.header("content-range")) == have, kCorruptFile,
               "{}: asked for what follows byte {}, but got \"{}\"", source.name, have,
               printable(head.header("content-range")));
      if (!rest) have = 0;
      out.reset(std::fopen(partial.c_str(), rest ? "ab" : "wb"));
      LQ_CHECK(out != nullptr, kIo, "{}: cannot be written", partial.string());
      return true;
    };
    const auto sink = [&](const char* bytes, std::size_t size) {
      have += static_cast<std::int64_t>(size);
      if (have > file.size) {
        out.reset();
        fs::remove(partial);
        fail(ErrorCode::kCorruptFile, "{}: more than the {} bytes that were announced", source.name,
             file.size);
      }
      LQ_CHECK(std::fwrite(bytes, 1, size, out.get()) == size, kIo,
               "{}: cannot be written (is the disk full?)", partial.string());
      on_bytes(have);
    };
    const HttpResponse response = http(request, accept, sink, stop);
    if (response.status != 200 && response.status != 206) refuse_status(response, source.name);
    if (file.size == 0 && !out) out.reset(std::fopen(partial.c_str(), "wb"));
    out.reset();
  }
  LQ_CHECK(have == file.size, kIo, "{}: {} of {} bytes came", source.name, have, file.size);
  const std::string digest = digest_of(partial, file, stop);
  if (digest != file.etag) {
    fs::remove(partial);
    fail(ErrorCode::kCorruptFile, "{}: what came has the hash {}, but {} was announced: it is discarded",
         source.name, digest, file.etag);
  }
  fs::rename(partial, blob);
}

}  // namespace lq::hub
