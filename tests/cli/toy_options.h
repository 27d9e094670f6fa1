// A struct with an option of every kind, described once and read by every reader.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "files/options/option_values.h"

namespace lq::test {

enum class Pace : std::uint8_t { kSlow, kFast };
inline constexpr EnumName<Pace> kPaceNames[] = {
    {Pace::kFast, "fast"}, {Pace::kSlow, "slow"}, {Pace::kSlow, "lazy"}};

struct ToyOptions {
  std::filesystem::path model, out;
  std::int64_t batch_size = 4;
  double lr = 0.5;
  std::optional<double> share = {};
  Pace pace = Pace::kFast;
  bool shuffle = true;
  bool rslora = false;
  std::vector<std::string> targets = {};
  std::vector<std::string> globs = {};
  std::vector<std::string> parts = {};
  std::int64_t memory = 0;
  std::string field = "text";
  std::int64_t keep = 2;
  int side = 3;  // of a square, written "3x3"
};

inline void describe(OptionVisitor& v, ToyOptions& o) {
  v.option(
      {.key = "model", .help = "A model", .position = "MODEL", .required = true, .changes_result = false},
      path(o.model));
  v.option({.key = "out", .help = "To write", .letter = "o", .changes_result = false}, path(o.out));
  v.option({.key = "batch-size", .help = "Rows", .group = "Training"}, integer(o.batch_size, 1, 100));
  v.option({.key = "lr", .help = "Rate; not with `share`"}, number(o.lr, kAboveZero));
  v.option({.key = "share", .help = "Share", .excludes = {"lr"}}, number(o.share, kShare));
  v.option({.key = "pace", .help = "Pace", .aliases = {"speed"}, .identity = "/plan/pace"},
           name(o.pace, kPaceNames));
  v.option({.key = "no-shuffle", .help = "In order", .identity = "/shuffle"}, no_flag(o.shuffle));
  v.option({.key = "rslora", .help = "Root"}, flag(o.rslora));
  v.option({.key = "target", .help = "Modules"}, texts(o.targets, true));
  v.option({.key = "include", .help = "Globs"}, texts(o.globs));
  v.option({.key = "train", .help = "Parts"}, words(o.parts, {"norms", "head"}));
  v.option({.key = "memory", .help = "Memory"}, bytes(o.memory));
  v.option({.key = "field", .help = "Field", .open = true}, text(o.field));
  v.option({.key = "keep", .help = "Checkpoints", .changes_result = false}, integer(o.keep, 1));
  v.option({.key = "square", .help = "Square"},
           parsed([&o] { return fmt::format("{}x{}", o.side, o.side); },
                  [&o](const std::string& text) {
                    check_option(text.size() == 3 && text[0] == text[2] && text[1] == 'x', "square",
                                 "{}: must have equal sides, such as 3x3", text);
                    o.side = text[0] - '0';
                  },
                  [&o] { return nlohmann::json(o.side); }));
}

}  // namespace lq::test
