#include "hub/repository.h"

#include <algorithm>
#include <cctype>

#include "base/error.h"
#include "base/printable.h"

namespace lq::hub {
namespace {

constexpr std::size_t kNameLimit = 96;
constexpr std::size_t kFileNameLimit = 512;

bool is_word(std::string_view text, std::string_view also) {
  return !text.empty() && text.size() <= kNameLimit && text.find("..") == std::string_view::npos &&
         text.front() != '-' && text.front() != '.' && std::ranges::all_of(text, [&](char c) {
           return std::isalnum(static_cast<unsigned char>(c)) != 0 || also.find(c) != std::string_view::npos;
         });
}

bool is_repository_name(std::string_view name) {
  const std::size_t slash = name.find('/');
  if (slash == std::string_view::npos) return is_word(name, "-_.");
  return is_word(name.substr(0, slash), "-_.") && is_word(name.substr(slash + 1), "-_.");
}

}  // namespace

std::string Repository::path() const { return dataset ? fmt::format("datasets/{}", name) : name; }

std::string Repository::folder() const {
  std::string folder = dataset ? "datasets--" : "models--";
  for (const char c : name) c == '/' ? folder += "--" : folder += c;
  return folder;
}

std::string Repository::text() const { return fmt::format("{}@{}", path(), revision); }

Repository parse_repository(std::string_view text, std::string_view who) {
  constexpr std::string_view kDatasets = "datasets/";
  Repository r;
  std::string_view rest = text;
  if (rest.starts_with(kDatasets)) {
    r.dataset = true;
    rest.remove_prefix(kDatasets.size());
  }
  if (const std::size_t at = rest.find('@'); at != std::string_view::npos) {
    r.revision = rest.substr(at + 1);
    rest = rest.substr(0, at);
  }
  r.name = rest;
  LQ_CHECK(is_repository_name(r.name) && is_word(r.revision, "-_./"), kInvalidArgument,
           "{}: \"{}\" names no repository (expected ORG/NAME, ORG/NAME@REVISION or datasets/ORG/NAME)", who,
           printable(text));
  return r;
}

bool is_commit(std::string_view revision) {
  return revision.size() == 40 && std::ranges::all_of(revision, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

void check_file_name(std::string_view name, std::string_view who) {
  bool good = !name.empty() && name.size() <= kFileNameLimit && name.front() != '/';
  for (std::size_t begin = 0; good && begin <= name.size();) {
    const std::size_t end = std::min(name.find('/', begin), name.size());
    const std::string_view part = name.substr(begin, end - begin);
    good = !part.empty() && part != "." && part != "..";
    begin = end + 1;
  }
  constexpr std::string_view kRefused = "\\?#%:*\"<>|";
  good = good && std::ranges::all_of(name, [&](char c) {
           return static_cast<unsigned char>(c) > 0x20 && static_cast<unsigned char>(c) < 0x7f &&
                  kRefused.find(c) == std::string_view::npos;
         });
  LQ_CHECK(good, kCorruptFile, "{}: the file name \"{}\" is refused", who, printable(name));
}

}  // namespace lq::hub
