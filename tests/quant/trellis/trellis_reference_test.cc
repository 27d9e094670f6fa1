// The codec that defines the trellis format, against its page: docs/formats/tcq.md has an example that is
// read from there.
#include "quant/trellis/trellis_reference.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "quant/trellis/trellis_format.h"
#include "support/paths.h"

namespace lq {
namespace {

// What the page's example says after each of its keys.
std::map<std::string, std::string> documented_example() {
  std::ifstream page(std::string(test::source_dir()) + "/docs/formats/tcq.md");
  std::map<std::string, std::string> found;
  bool in_example = false;
  std::string key;
  for (std::string line; std::getline(page, line);) {
    if (line == "## Example") in_example = true;
    if (!in_example || line.rfind("    ", 0) != 0) continue;
    const std::size_t colon = line.find(':');
    if (colon != std::string::npos) key = line.substr(4, colon - 4);
    found[key] += " " + line.substr(colon == std::string::npos ? 0 : colon + 1);
  }
  return found;
}

template <typename T>
std::vector<T> numbers_of(const std::string& text, int base) {
  std::istringstream in(text);
  std::vector<T> out;
  for (std::string word; in >> word;) {
    if constexpr (std::is_same_v<T, float>) {
      out.push_back(std::stof(word));
    } else {
      out.push_back(static_cast<T>(std::stoul(word, nullptr, base)));
    }
  }
  return out;
}

std::vector<std::uint8_t> bytes_of(const std::vector<float>& values) {
  std::vector<std::uint8_t> bytes(4 * values.size());
  std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

TEST(TrellisReference, TheDocumentedExample) {
  auto example = documented_example();
  const auto w = numbers_of<float>(example["weights"], 10);
  ASSERT_EQ(w.size(), 6U);
  const auto codes = numbers_of<std::uint8_t>(example["codes"], 16);
  const auto scales = numbers_of<std::uint8_t>(example["scales"], 16);
  const auto scales2 = numbers_of<float>(example["scales2"], 10);
  const auto offset = numbers_of<float>(example["offset"], 10);
  const auto states = numbers_of<std::uint32_t>(example["states"], 16);
  const auto values = numbers_of<float>(example["values"], 10);
  ASSERT_EQ(codes.size(), 64U);
  ASSERT_EQ(values.size(), 6U);

  // Read.
  const TrellisFormat format;
  const std::vector<std::uint8_t> scales2_bytes = bytes_of(scales2), offset_bytes = bytes_of(offset);
  const std::vector<std::span<const std::uint8_t>> parts = {codes, scales, scales2_bytes, offset_bytes};
  const PackedMatrix opened = format.open("2,12,64", 2, 3, parts, "example", {});
  std::vector<float> out(6), plain(6);
  ThreadPool pool(1);
  opened.dequantize(pool, out.data());
  trellis_reference_decode(opened.view().trellis, 3, 0, 6, plain.data());
  EXPECT_EQ(out, plain);
  for (std::size_t i = 0; i < 6; ++i) EXPECT_FLOAT_EQ(out[i], values[i]) << i;
  // Rows 0 and 1 of columns 0 to 2.
  ASSERT_EQ(states.size(), 6U);
  for (int i = 0; i < 6; ++i) {
    EXPECT_EQ(trellis_state(codes.data(), 2, 12, i % 3 * 16 + i / 3), states[static_cast<std::size_t>(i)]);
  }
  // And written.
  const PackedMatrix packed = format.quantizer("2,12,64", {})->pack(pool, w.data(), 2, 3);
  for (std::size_t i = 0; i < 4; ++i) {
    const auto bytes = packed.parts()[i].bytes;
    EXPECT_EQ(std::vector<std::uint8_t>(bytes.begin(), bytes.end()),
              std::vector<std::uint8_t>(parts[i].begin(), parts[i].end()))
        << packed.parts()[i].suffix;
  }
}

TEST(TrellisReference, ValuesAreCentredByteSums) {
  EXPECT_EQ(trellis_value(0), -510);
  EXPECT_EQ(trellis_value(1), 0x83 + 0xDC + 0xD1 + 0x2D - 510);
  double sum = 0.0, square = 0.0;
  for (std::uint32_t s = 0; s < 4096; ++s) {
    sum += trellis_value(s);
    square += trellis_value(s) * trellis_value(s);
  }
  EXPECT_NEAR(sum / 4096, 0.0, 3.0);
  EXPECT_NEAR(std::sqrt(square / 4096), 147.8, 3.0);
}

TEST(TrellisReference, StatesAreWindowsOfTheTilesBits) {
  // Bit i of the tile's 256 * 3 is set where i is a multiple of 5 or 7.
  std::vector<int> bits(768);
  std::vector<std::uint8_t> tile(96, 0);
  for (int i = 0; i < 768; ++i) {
    bits[static_cast<std::size_t>(i)] = i % 5 == 0 || i % 7 == 0 ? 1 : 0;
    const int column = i / 48, word = i % 48 / 16, bit = i % 16;
    tile[static_cast<std::size_t>(2 * (16 * word + column) + bit / 8)] |=
        static_cast<std::uint8_t>(bits[static_cast<std::size_t>(i)] << bit % 8);
  }
  for (int t = 0; t < 256; ++t) {
    std::uint32_t want = 0;
    for (int i = 0; i < 13; ++i) {
      want |= static_cast<std::uint32_t>(bits[static_cast<std::size_t>((3 * t + i) % 768)]) << i;
    }
    ASSERT_EQ(trellis_state(tile.data(), 3, 13, t), want) << t;
  }
}

}  // namespace
}  // namespace lq
