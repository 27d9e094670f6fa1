#include "allocate/constraints.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "allocate/solve.h"
#include "base/error.h"
#include "base/glob.h"
#include "reference/synthetic_table.h"

namespace lq {
namespace {

ErrorTable small_table() {
  return reference::synthetic_table(reference::llama_matrices(3, 256, 512, 128), 11);
}

double bits_of(const ErrorTable& table, std::size_t matrix, const Choice& choice) {
  const TableMatrix& m = table.matrices[matrix];
  return choice.storage / (static_cast<double>(m.rows) * static_cast<double>(m.cols));
}

std::string refusal(const ErrorTable& table, const Constraints& constraints) {
  try {
    make_programme(table, constraints);
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kInvalidArgument);
    return e.what();
  }
  return "";
}

TEST(LayerOf, EndsAtTheFirstNumber) {
  EXPECT_EQ(layer_of("model.layers.12.mlp.up_proj.weight"), "model.layers.12");
  EXPECT_EQ(layer_of("h.0.attn"), "h.0");
  EXPECT_EQ(layer_of("lm_head.weight"), "");
  EXPECT_EQ(layer_of("layers.1b.x"), "");
  EXPECT_EQ(layer_of("a..b"), "");
  EXPECT_EQ(layer_of(""), "");
  EXPECT_EQ(layer_of("7"), "7");
}

TEST(ParseBitsRule, WithAndWithoutAPattern) {
  EXPECT_EQ(parse_bits_rule("2.5", "min-bits").pattern, "*");
  EXPECT_EQ(parse_bits_rule("2.5", "min-bits").bits, 2.5);
  EXPECT_EQ(parse_bits_rule("*.v_proj.*=4", "min-bits").pattern, "*.v_proj.*");
  EXPECT_EQ(parse_bits_rule("*.v_proj.*=4", "min-bits").bits, 4);
  for (const char* bad : {"", "x", "2.5x", "*=", "*=nan", "-1", "inf", "1e999"}) {
    EXPECT_THROW(parse_bits_rule(bad, "min-bits"), Error) << bad;
  }
}

TEST(ParsePin, ConfigurationsNamesAndRanks) {
  const Pin pin = parse_pin("*q_proj*=3,8,bf16,32,64", "pin");
  EXPECT_EQ(pin.pattern, "*q_proj*");
  EXPECT_EQ(pin.choice, "3,8,bf16,32,64");
  EXPECT_FALSE(pin.rank.has_value());
  EXPECT_EQ(parse_pin("a=int-row 4", "pin").choice, "int-row 4");
  EXPECT_EQ(parse_pin("a=nf2@16", "pin").rank, 16);
  for (const char* bad : {"", "nf4", "=nf4", "a=", "a=@4", "a=nf4@x", "a=nf4@"}) {
    EXPECT_THROW(parse_pin(bad, "pin"), Error) << bad;
  }
}

TEST(MakeProgramme, BoundsHoldForEachMatrix) {
  const ErrorTable table = small_table();
  const Programme programme = make_programme(
      table, {.min_bits = {{"*", 3}, {"*v_proj*", 4}}, .max_bits = {{"*mlp*", 3.5}, {"*", 5}}});
  for (std::size_t i = 0; i < table.matrices.size(); ++i) {
    const bool v = glob_match("*v_proj*", table.matrices[i].name);
    const bool mlp = glob_match("*mlp*", table.matrices[i].name);
    for (const Choice& c : programme.matrices[i]) {
      EXPECT_GE(bits_of(table, i, c), v ? 4 : 3);
      EXPECT_LE(bits_of(table, i, c), mlp ? 3.5 : 5);
    }
    EXPECT_GT(programme.matrices[i].size(), 2U);
  }
}

TEST(MakeProgramme, TheLastPinCountsAndBeatsBounds) {
  const ErrorTable table = small_table();
  const Programme programme =
      make_programme(table, {.min_bits = {{"*", 4}},
                             .pins = {Pin{"*", reference::kNf4, {}}, Pin{"*up_proj*", reference::kNf2, {}}}});
  for (std::size_t i = 0; i < table.matrices.size(); ++i) {
    ASSERT_EQ(programme.matrices[i].size(), 1U);
    const std::string& config = table.configs[static_cast<std::size_t>(programme.matrices[i][0].column)];
    EXPECT_EQ(config, glob_match("*up_proj*", table.matrices[i].name) ? reference::kNf2 : reference::kNf4);
  }
}

TEST(MakeProgramme, CapsHoldInTheAllocation) {
  const ErrorTable table = small_table();
  const Allocation capped = allocate(table, 3.5, {.caps = {{"*layers.1.*", 2.5}, {"*layers.2.mlp*", 3}}});
  const Allocation layers = allocate(table, 3.5, {.layer_cap = 3.25});
  const Allocation free = allocate(table, 3.5);
  const auto average = [&](const Allocation& a, std::string_view pattern) {
    double storage = 0;
    double weights = 0;
    for (std::size_t i = 0; i < a.choices.size(); ++i) {
      if (!glob_match(pattern, a.choices[i].name)) continue;
      const double size =
          static_cast<double>(table.matrices[i].rows) * static_cast<double>(table.matrices[i].cols);
      weights += size;
      storage += size * codebook_bits_per_weight(parse_codebook_config(a.choices[i].choice));
    }
    return storage / weights;
  };
  EXPECT_LE(average(capped, "*layers.1.*"), 2.5);
  EXPECT_LE(average(capped, "*layers.2.mlp*"), 3);
  EXPECT_LE(capped.gap, 1e-4);
  for (const char* layer : {"*.0.*", "*.1.*", "*.2.*"}) EXPECT_LE(average(layers, layer), 3.25);
  EXPECT_LE(layers.gap, 1e-4);
  EXPECT_GT(capped.objective, free.objective);
  EXPECT_GT(layers.objective, free.objective);
  EXPECT_GT(average(capped, "*layers.0.*"), 3.5);  // what the others may not take
}

TEST(MakeProgramme, RefusesRulesThatCannotHold) {
  const ErrorTable table = small_table();
  const auto says = [&](const Constraints& constraints, const char* part) {
    const std::string message = refusal(table, constraints);
    EXPECT_NE(message.find(part), std::string::npos)
        << "\"" << message << "\" does not say \"" << part << "\"";
  };
  says({.min_bits = {{"*k_porj*", 3}}}, "matches none of the table's 21 matrices");
  says({.pins = {Pin{"nothing", reference::kNf4, {}}}}, "pin: \"nothing\" matches none");
  says({.min_bits = {{"*", 4}}, .max_bits = {{"*", 3}}}, "has at least 4 and at most 3");
  says({.min_bits = {{"*", 9}}}, "none of the table's 432 choices");
  says({.caps = {{"*layers.1.*", 2}}}, "the least possible for these 7 matrices is 2.0322 bits per weight");
  says({.caps = {{"*mlp*", 3}, {"*up_proj*", 3}}}, "caps \"*mlp*\" and \"*up_proj*\" both match");
  says({.caps = {{"*mlp*", 3}}, .layer_cap = 3}, "only one kind can be given");
  ErrorTable one = table;
  one.configs = {reference::kNf3};
  one.bits.assign(one.matrices.size(), 3.127);
  one.errors.assign(one.matrices.size(), 1);
  EXPECT_NE(refusal(one, {.pins = {Pin{"*", reference::kNf4, {}}}}).find("not among the table's 1 choices"),
            std::string::npos);
  for (TableMatrix& m : one.matrices)
    m.name = "x" + m.name.substr(m.name.size() - 20) + std::to_string(&m - one.matrices.data()) + "y";
  for (TableMatrix& m : one.matrices) std::replace(m.name.begin(), m.name.end(), '.', '_');
  EXPECT_NE(refusal(one, {.layer_cap = 4}).find("no matrix's name has the number of a layer"),
            std::string::npos);
}

}  // namespace
}  // namespace lq
