// Every entry of the table keeps what quant/format.h promises of formats.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <set>
#include <string>
#include <vector>

#include "base/error.h"
#include "quant/format.h"
#include "reference/dense_matrix.h"

namespace lq {
namespace {

TEST(Formats, TheOrderOfTheTableIsPartOfOldFiles) {
  std::vector<std::string> names;
  for (const QuantFormat* format : quant_formats()) names.emplace_back(format->name());
  EXPECT_EQ(names, (std::vector<std::string>{"nf", "int", "lm", "int-row", "tcq", "ggml"}));
  for (const std::string& name : names) EXPECT_EQ(find_quant_format(name)->name(), name);
  EXPECT_EQ(find_quant_format("q9"), nullptr);
  try {
    quant_format("q9", "--format");
    ADD_FAILURE() << "found";
  } catch (const Error& e) {
    EXPECT_STREQ(e.what(), "--format: format \"q9\", but there are nf, int, lm, int-row, tcq, ggml");
  }
}

TEST(Formats, ChoicesAreCanonicalUniqueAndLeanOnesAmongAll) {
  for (const QuantFormat* format : quant_formats()) {
    const std::vector<std::string> all = format->choices(ChoiceSet::kAll);
    EXPECT_EQ(std::set<std::string>(all.begin(), all.end()).size(), all.size());
    std::set<std::vector<int>> orders;
    for (const std::string& parameters : all) {
      EXPECT_EQ(format->parse(parameters, "test"), parameters);
      EXPECT_EQ(parse_choice(std::string(format->name()) + "," + parameters, "test"),
                (QuantChoice{std::string(format->name()), parameters}));
      orders.insert(format->sweep_place(parameters).order);
    }
    EXPECT_EQ(orders.size(), all.size()) << format->name();
    for (const std::string& parameters : format->choices(ChoiceSet::kLean))
      EXPECT_NE(std::find(all.begin(), all.end(), parameters), all.end());
    EXPECT_FALSE(format->help().empty());
    for (const int bits : {2, 3, 4, 5, 6, 8}) {
      const bool wide = (bits == 5 || bits == 6) && format->name() != "ggml";  // else the codebooks' alone
      if ((bits == 8 && format->name() == "tcq") || (wide && !format->unnamed())) {
        EXPECT_THROW(format->uniform(bits), Error);
        continue;
      }
      EXPECT_NE(std::find(all.begin(), all.end(), format->uniform(bits)), all.end());
      EXPECT_TRUE(std::any_of(all.begin(), all.end(), [&](const std::string& parameters) {
        const double stored = format->bits_per_weight(parameters);
        return stored >= bits && stored < bits + 1;
      }));
    }
  }
}

TEST(Formats, WhatIsPackedOpensAgainAndTakesTheBitsItSays) {
  ThreadPool pool(2);
  constexpr std::int64_t kRows = 64, kCols = 512;
  const auto w = reference::normal_matrix(kRows, kCols, 6);
  for (const QuantFormat* format : quant_formats()) {
    for (const std::string& parameters : format->choices(ChoiceSet::kLean)) {
      const QuantChoice choice{std::string(format->name()), parameters};
      const auto quantizer = make_quantizer(choice);
      EXPECT_EQ(quantizer->name(), choice.name());
      EXPECT_DOUBLE_EQ(quantizer->bits_per_weight(), choice_bits_per_weight(choice));
      const PackedMatrix packed = quantizer->pack(pool, w.data(), kRows, kCols);
      EXPECT_EQ(packed.choice(), choice);
      EXPECT_DOUBLE_EQ(packed.bits_per_weight(), stored_bits_per_weight(choice, kRows, kCols));
      EXPECT_NEAR(packed.bits_per_weight(), choice_bits_per_weight(choice), 0.08);
      std::vector<std::span<const std::uint8_t>> bytes;
      for (const PackedPart& part : packed.parts()) bytes.push_back(part.bytes);
      const PackedMatrix opened = format->open(parameters, kRows, kCols, bytes, "test", {});
      std::vector<float> q(w.size()), of_packed(w.size()), of_opened(w.size());
      quantizer->round_trip(pool, w.data(), kRows, kCols, q.data());
      packed.dequantize(pool, of_packed.data());
      opened.dequantize(pool, of_opened.data());
      ASSERT_EQ(std::memcmp(q.data(), of_packed.data(), 4 * q.size()), 0) << choice.name();
      ASSERT_EQ(std::memcmp(q.data(), of_opened.data(), 4 * q.size()), 0) << choice.name();
    }
  }
}

TEST(Formats, ChoicesOfOtherWordsAreRefused) {
  for (const char* bad : {"", "nf", "nf 3,8", "int-row", "int-row,4,5", "4", "3,8,fp32,64,256", "nf;3"}) {
    EXPECT_THROW(parse_choice(bad, "--config"), Error) << bad;
  }
  EXPECT_EQ(parse_choice("nf,3", "--config").name(), "nf 3,8,fp32,64,256");
  EXPECT_EQ(parse_choice(" lm 2, 4,bf16, 32,64", "--config").name(), "lm 2,4,bf16,32,64");
}

}  // namespace
}  // namespace lq
