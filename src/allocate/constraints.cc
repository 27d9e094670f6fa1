#include "allocate/constraints.h"

#include <charconv>
#include <cmath>
#include <limits>
#include <unordered_map>

#include "base/block_name.h"
#include "base/error.h"
#include "base/glob.h"
#include "base/option_error.h"

namespace lq {
namespace {

double weights_of(const TableMatrix& m) { return static_cast<double>(m.rows) * static_cast<double>(m.cols); }

template <typename Number>
Number parse_number(std::string_view digits, std::string_view text, std::string_view option,
                    std::string_view what) {
  Number number{};
  const char* end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, number);
  check_option(error == std::errc() && stop == end, option, "{}: \"{}\" is not {}", text, digits, what);
  return number;
}

template <typename Rule>
void check_matches_some(const std::vector<Rule>& rules, const ErrorTable& table, std::string_view what) {
  for (const Rule& rule : rules) {
    bool some = false;
    for (const TableMatrix& m : table.matrices) some = some || glob_match(rule.pattern, m.name);
    LQ_CHECK(some, kInvalidArgument, "{}: \"{}\" matches none of the table's {} matrices", what, rule.pattern,
             table.matrices.size());
  }
}

// The choices that pins and bounds leave to matrix i.
std::vector<Choice> allowed_choices(const ErrorTable& table, const Constraints& constraints, std::size_t i) {
  const TableMatrix& m = table.matrices[i];
  const Pin* pin = nullptr;
  for (const Pin& candidate : constraints.pins) {
    if (glob_match(candidate.pattern, m.name)) pin = &candidate;
  }
  double least = 0;
  double most = std::numeric_limits<double>::infinity();
  for (const BitsRule& rule : constraints.min_bits) {
    if (glob_match(rule.pattern, m.name)) least = std::max(least, rule.bits);
  }
  for (const BitsRule& rule : constraints.max_bits) {
    if (glob_match(rule.pattern, m.name)) most = std::min(most, with_rounding(rule.bits));
  }
  std::vector<Choice> allowed;
  for (std::size_t c = 0; c < table.configs.size(); ++c) {
    const double bits = table.bits[table.position(i, c)];
    const bool fits = pin != nullptr ? table.configs[c] == pin->choice &&
                                           table.rank_of(c) == pin->rank.value_or(table.rank_of(c))
                                     : with_rounding(bits) >= least && bits <= most;
    if (fits) {
      allowed.push_back({bits * weights_of(m), table.errors[table.position(i, c)], static_cast<int>(c)});
    }
  }
  if (pin != nullptr) {
    LQ_CHECK(!allowed.empty(), kInvalidArgument, "pin {}={}{}: not among the table's {} choices",
             pin->pattern, pin->choice, pin->rank ? fmt::format("@{}", *pin->rank) : "",
             table.configs.size());
  }
  LQ_CHECK(!allowed.empty(), kInvalidArgument,
           "matrix \"{}\": none of the table's {} choices has at least {} and at most {} bits per weight",
           m.name, table.configs.size(), least, most);
  return allowed;
}

// Puts matrix i under cap `index`.
void add_member(const ErrorTable& table, std::size_t i, std::size_t index, Programme& programme) {
  const int before = programme.cap_of[i];
  Cap& cap = programme.caps[index];
  LQ_CHECK(before < 0, kInvalidArgument, "caps \"{}\" and \"{}\" both match matrix \"{}\"",
           programme.caps[static_cast<std::size_t>(std::max(0, before))].name, cap.name,
           table.matrices[i].name);
  programme.cap_of[i] = static_cast<int>(index);
  cap.members.push_back(static_cast<int>(i));
}

void add_caps(const ErrorTable& table, const Constraints& constraints, Programme& programme) {
  for (const BitsRule& rule : constraints.caps) {
    programme.caps.push_back({rule.pattern, rule.bits, {}});
    for (std::size_t i = 0; i < table.matrices.size(); ++i) {
      if (glob_match(rule.pattern, table.matrices[i].name))
        add_member(table, i, programme.caps.size() - 1, programme);
    }
  }
  if (!constraints.layer_cap) return;
  LQ_CHECK(constraints.caps.empty(), kInvalidArgument,
           "a cap on each layer and a cap on \"{}\": only one kind can be given",
           constraints.caps.front().pattern);
  std::unordered_map<std::string_view, std::size_t> cap_of_layer;
  for (std::size_t i = 0; i < table.matrices.size(); ++i) {
    const std::string_view layer = layer_of(table.matrices[i].name);
    if (layer.empty()) continue;
    const auto [found, is_new] = cap_of_layer.try_emplace(layer, programme.caps.size());
    if (is_new) programme.caps.push_back({std::string(layer), *constraints.layer_cap, {}});
    add_member(table, i, found->second, programme);
  }
  LQ_CHECK(!programme.caps.empty(), kInvalidArgument,
           "a cap on each layer: no matrix's name has the number of a layer");
}

// From bits per weight to bits, and whether each cap can be met.
void finish_caps(const ErrorTable& table, Programme& programme) {
  const Selection smallest(programme.matrices.size(), 0);
  for (Cap& cap : programme.caps) {
    const double bits = cap.storage;
    double weights = 0;
    for (const int i : cap.members) weights += weights_of(table.matrices[static_cast<std::size_t>(i)]);
    cap.storage = bits * weights;
    const double least = cap_storage(programme, smallest, cap);
    LQ_CHECK(least <= with_rounding(cap.storage), kInvalidArgument,
             "cap {}={}: the least possible for these {} matrices is {:.4f} bits per weight", cap.name, bits,
             cap.members.size(), least / weights);
  }
}

}  // namespace

std::string_view layer_of(std::string_view name) {
  const auto block = parse_block_name(name);
  return block ? block->block : std::string_view();
}

BitsRule parse_bits_rule(std::string_view text, std::string_view option) {
  const std::size_t equals = text.rfind('=');
  BitsRule rule;
  if (equals != std::string_view::npos) rule.pattern = text.substr(0, equals);
  const std::string_view digits = equals == std::string_view::npos ? text : text.substr(equals + 1);
  rule.bits = parse_number<double>(digits, text, option, "a number of bits per weight");
  check_option(std::isfinite(rule.bits) && rule.bits >= 0, option,
               "{}: bits per weight must be a number from 0", text);
  return rule;
}

Pin parse_pin(std::string_view text, std::string_view option) {
  const std::size_t equals = text.rfind('=');
  check_option(equals != std::string_view::npos && equals > 0, option,
               "{}: must be PATTERN=CONFIG, such as *.q_proj.weight=4,8,fp32,64,256", text);
  Pin pin;
  pin.pattern = text.substr(0, equals);
  std::string_view choice = text.substr(equals + 1);
  if (const std::size_t at = choice.rfind('@'); at != std::string_view::npos) {
    pin.rank = parse_number<int>(choice.substr(at + 1), text, option, "a rank");
    choice = choice.substr(0, at);
  }
  check_option(!choice.empty(), option, "{}: names no choice after the =", text);
  pin.choice = choice;
  return pin;
}

Programme make_programme(const ErrorTable& table, const Constraints& constraints) {
  check_matches_some(constraints.min_bits, table, "min-bits");
  check_matches_some(constraints.max_bits, table, "max-bits");
  check_matches_some(constraints.pins, table, "pin");
  check_matches_some(constraints.caps, table, "cap");
  Programme programme;
  programme.cap_of.assign(table.matrices.size(), -1);
  for (std::size_t i = 0; i < table.matrices.size(); ++i) {
    programme.matrices.push_back(drop_dominated(allowed_choices(table, constraints, i)));
  }
  add_caps(table, constraints, programme);
  finish_caps(table, programme);
  return programme;
}

}  // namespace lq
