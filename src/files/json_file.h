// JSON from outside and to disk. Reading is stricter than the library's own: duplicate keys and nesting
// deeper than 256 are refused, and errors name file, line and column.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace lq {

constexpr std::uint64_t kJsonLimit = 64'000'000;  // bytes; default for files of settings
constexpr int kJsonDepthLimit = 256;

// Throws Error(kCorruptFile) starting with `who`.
nlohmann::json parse_json(std::string_view text, std::string_view who);
// Keeps the order of keys. For small files: a look-up in an object is linear.
nlohmann::ordered_json parse_ordered_json(std::string_view text, std::string_view who);

// A path that ends in .gz is inflated; `limit` counts the inflated bytes.
// Throws Error(kNotFound), Error(kIo), Error(kCorruptFile).
nlohmann::json read_json(const std::filesystem::path& path, std::uint64_t limit = kJsonLimit);
nlohmann::ordered_json read_ordered_json(const std::filesystem::path& path, std::uint64_t limit = kJsonLimit);
std::string read_text(const std::filesystem::path& path, std::uint64_t limit = kJsonLimit);

// Atomically; a path that ends in .gz is deflated, with the same bytes every time. indent < 0: one line.
// Throws Error(kIo), and Error(kInvalidArgument) for text that is not UTF-8 or a number that is not finite.
void write_json(const std::filesystem::path& path, const nlohmann::json& json, int indent = 2);
void write_json(const std::filesystem::path& path, const nlohmann::ordered_json& json, int indent = 2);

}  // namespace lq
