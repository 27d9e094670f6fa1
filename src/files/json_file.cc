#include "files/json_file.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "base/error.h"
#include "base/printable.h"
#include "files/atomic_file.h"
#include "files/file_descriptor.h"
#include "files/gzip.h"

namespace lq {
namespace {

// Line and column of a byte, both from 1.
std::pair<std::size_t, std::size_t> position_of(std::string_view text, std::size_t byte) {
  const std::string_view before = text.substr(0, byte > 0 ? byte - 1 : 0);
  const auto line = static_cast<std::size_t>(std::count(before.begin(), before.end(), '\n')) + 1;
  const std::size_t start = before.rfind('\n');
  return {line, start == std::string_view::npos ? before.size() + 1 : before.size() - start};
}

template <typename Json>
Json parse(std::string_view text, std::string_view who) {
  // The library keeps the last of two equal keys without a word, so keys are watched as they come.
  std::vector<std::set<std::string>> keys;
  const auto watch = [&](int depth, typename Json::parse_event_t event, Json& value) {
    using Event = typename Json::parse_event_t;
    LQ_CHECK(depth <= kJsonDepthLimit, kCorruptFile, "{}: JSON nested deeper than {}", who, kJsonDepthLimit);
    if (event == Event::object_start) keys.emplace_back();
    if (event == Event::object_end) keys.pop_back();
    if (event == Event::key) {
      const auto& key = value.template get_ref<const std::string&>();
      LQ_CHECK(keys.back().insert(key).second, kCorruptFile, "{}: the key '{}' occurs twice", who,
               printable(key));
    }
    return true;
  };
  try {
    return Json::parse(text.begin(), text.end(), watch);
  } catch (const nlohmann::json::parse_error& e) {
    const auto [line, column] = position_of(text, e.byte);
    fail(ErrorCode::kCorruptFile, "{}: not valid JSON at line {}, column {}", who, line, column);
  } catch (const nlohmann::json::exception&) {
    fail(ErrorCode::kCorruptFile, "{}: not valid JSON: a number is out of range", who);
  }
}

template <typename Json>
void check_finite(const Json& json, const std::filesystem::path& path) {
  if (json.is_number_float()) {
    LQ_CHECK(std::isfinite(json.template get<double>()), kInvalidArgument,
             "[json] {}: a number that is not finite cannot be written", path.string());
  } else if (json.is_structured()) {
    for (const auto& inner : json) check_finite(inner, path);
  }
}

bool is_gzip(const std::filesystem::path& path) { return path.extension() == ".gz"; }

template <typename Json>
void write(const std::filesystem::path& path, const Json& json, int indent) {
  check_finite(json, path);
  std::string text;
  try {
    text = json.dump(indent) + "\n";
  } catch (const nlohmann::json::exception&) {
    fail(ErrorCode::kInvalidArgument, "[json] {}: text that is not UTF-8 cannot be written", path.string());
  }
  write_file_atomically(path, is_gzip(path) ? gzip(text) : text);
}

}  // namespace

nlohmann::json parse_json(std::string_view text, std::string_view who) {
  return parse<nlohmann::json>(text, who);
}

nlohmann::ordered_json parse_ordered_json(std::string_view text, std::string_view who) {
  return parse<nlohmann::ordered_json>(text, who);
}

std::string read_text(const std::filesystem::path& path, std::uint64_t limit) {
  std::string bytes = read_file(path, limit);
  return is_gzip(path) ? gunzip(bytes, limit, "[gzip] " + path.string()) : bytes;
}

nlohmann::json read_json(const std::filesystem::path& path, std::uint64_t limit) {
  return parse_json(read_text(path, limit), "[json] " + path.string());
}

nlohmann::ordered_json read_ordered_json(const std::filesystem::path& path, std::uint64_t limit) {
  return parse_ordered_json(read_text(path, limit), "[json] " + path.string());
}

void write_json(const std::filesystem::path& path, const nlohmann::json& json, int indent) {
  write(path, json, indent);
}

void write_json(const std::filesystem::path& path, const nlohmann::ordered_json& json, int indent) {
  write(path, json, indent);
}

}  // namespace lq
