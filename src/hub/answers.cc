#include "hub/answers.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/printable.h"
#include "files/json_object.h"
#include "hub/repository.h"

namespace lq::hub {
namespace {

constexpr std::size_t kMostFiles = 100000;

std::string digits_of_etag(std::string_view etag) {
  if (etag.starts_with("W/")) etag.remove_prefix(2);
  if (etag.size() >= 2 && etag.front() == '"' && etag.back() == '"') etag = etag.substr(1, etag.size() - 2);
  return std::string(etag);
}

bool is_digest(std::string_view text) {
  return (text.size() == 40 || text.size() == 64) &&
         std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

std::optional<std::int64_t> whole_number(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool good = error == std::errc() && end == text.data() + text.size() && value >= 0;
  return good ? std::optional(value) : std::nullopt;
}

}  // namespace

RevisionAnswer parse_revision(std::string_view body, std::string_view who) {
  nlohmann::ordered_json json = nlohmann::ordered_json::parse(body, nullptr, false);
  LQ_CHECK(json.is_object(), kCorruptFile, "{}: the answer is no JSON object (it begins \"{}\")", who,
           printable(body.substr(0, 60)));
  const JsonObject answer = JsonObject(std::move(json), std::string(who));
  RevisionAnswer r;
  r.commit = answer.text("sha");
  LQ_CHECK(is_commit(r.commit), kCorruptFile, "{}: sha \"{}\" is no commit of 40 digits", who,
           printable(r.commit));
  const std::vector<JsonObject> siblings = answer.sections("siblings");
  LQ_CHECK(siblings.size() <= kMostFiles, kCorruptFile, "{}: {} files (at most {})", who, siblings.size(),
           kMostFiles);
  for (const JsonObject& file : siblings) {
    r.files.push_back(file.text("rfilename"));
    check_file_name(r.files.back(), who);
  }
  std::ranges::sort(r.files);
  r.files.erase(std::unique(r.files.begin(), r.files.end()), r.files.end());
  return r;
}

FileAnswer parse_file(const HttpResponse& head, std::string_view who) {
  const std::string linked = head.header("x-linked-etag");
  FileAnswer file;
  file.etag = digits_of_etag(linked.empty() ? head.header("etag") : linked);
  LQ_CHECK(is_digest(file.etag), kCorruptFile,
           "{}: its ETag \"{}\" is no hash, so that what comes could not be checked", who,
           printable(file.etag));
  const std::string size = head.header(linked.empty() ? "content-length" : "x-linked-size");
  const auto bytes = whole_number(size);
  LQ_CHECK(bytes.has_value(), kCorruptFile, "{}: no size is announced (\"{}\")", who, printable(size));
  file.size = *bytes;
  return file;
}

std::optional<std::int64_t> range_begin(std::string_view text) {
  constexpr std::string_view kUnit = "bytes ";
  if (!text.starts_with(kUnit)) return std::nullopt;
  text.remove_prefix(kUnit.size());
  const std::size_t dash = text.find('-');
  return dash == std::string_view::npos ? std::nullopt : whole_number(text.substr(0, dash));
}

}  // namespace lq::hub
