// What a hub, or whoever pretends to be one, answers: the first byte says what it is. An Error is the only
// way out; an accepted name lies inside the snapshot's folder, and an accepted hash is one.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "base/error.h"
#include "hub/answers.h"
#include "hub/repository.h"

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

void revision(const std::string& body) {
  const lq::hub::RevisionAnswer answer = lq::hub::parse_revision(body, "hub");
  require(lq::hub::is_commit(answer.commit));
  for (const std::string& file : answer.files) {
    const std::filesystem::path path = file;
    require(path.is_relative() && path.lexically_normal() == path);
    require(file.find("..") != 0 && file.find("/../") == std::string::npos);
  }
}

// "name: value" lines.
void headers(const std::string& text) {
  lq::hub::HttpResponse head;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    const std::string line = text.substr(begin, end - begin);
    const std::size_t colon = line.find(": ");
    if (colon != std::string::npos) head.headers[line.substr(0, colon)] = line.substr(colon + 2);
    begin = end + 1;
  }
  (void)lq::hub::range_begin(head.header("content-range"));
  const lq::hub::FileAnswer file = lq::hub::parse_file(head, "hub");
  require(file.size >= 0 && (file.etag.size() == 40 || file.etag.size() == 64));
  require(file.etag.find_first_not_of("0123456789abcdef") == std::string::npos);
}

void repository(const std::string& text) {
  const lq::hub::Repository r = lq::hub::parse_repository(text, "pull");
  require(r.folder().find('/') == std::string::npos && r.path().find("..") == std::string::npos);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  try {
    switch (data[0]) {
      case 'r':
        revision(rest);
        break;
      case 'h':
        headers(rest);
        break;
      case 'n':
        repository(rest);
        break;
      default:
        return -1;
    }
  } catch (const lq::Error&) {
  }
  return 0;
}
