// The worked example of docs/formats/packed.md.
#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <span>
#include <sstream>
#include <string>
#include <vector>

#include "quant/codebook/codebook_quantizer.h"
#include "quant/codebook/codebook_reference.h"
#include "support/paths.h"

namespace lq {
namespace {

std::string hex(std::span<const std::uint8_t> bytes) {
  std::string text;
  for (const std::uint8_t b : bytes) {
    if (!text.empty()) text += ' ';
    text += "0123456789abcdef"[b >> 4];
    text += "0123456789abcdef"[b & 15];
  }
  return text;
}

// Lines "KEY: text" of the example's code block; a line without a key goes on from the one above.
std::map<std::string, std::string> example_of_page() {
  std::ifstream page(std::filesystem::path(lq::test::source_dir()) / "docs" / "formats" / "packed.md");
  std::map<std::string, std::string> example;
  bool inside = false;
  std::string last;
  for (std::string line; std::getline(page, line);) {
    if (line == "## Example") inside = true;
    if (!inside || line.rfind("    ", 0) != 0) continue;
    std::string text = line.substr(line.find_first_not_of(' '));
    const std::size_t colon = text.find(": ");
    if (colon != std::string::npos) {
      last = text.substr(0, colon);
      text = text.substr(text.find_first_not_of(' ', colon + 1));
    } else {
      text = " " + text;
    }
    example[last] += text;
  }
  return example;
}

TEST(PackedDoc, ExampleIsWhatTheCodecDoes) {
  std::vector<float> w(64);
  for (int i = 0; i < 64; ++i) {
    w[static_cast<std::size_t>(i)] = std::ldexp(static_cast<float>(37 * i % 64 - 32), -(5 + i / 16));
  }
  const CodebookConfig config = parse_codebook_config("3,2,fp16,16,16");
  const Codebook& book = codebook_of(CodebookKind::kNormalFloat, 3);
  const CodebookReferencePacked packed = codebook_reference_quantize(w.data(), 64, config, book);
  std::map<std::string, std::string> want = {
      {"codes", hex(packed.codes)}, {"scales", hex(packed.scales)}, {"scales2", hex(packed.scales2)}};
  const auto offset = std::bit_cast<std::array<std::uint8_t, 4>>(packed.offset);
  want["offset"] = hex(offset);
  std::vector<float> values(64);
  codebook_reference_dequantize(packed, 64, config, book, 0, 64, values.data());
  std::ostringstream first;
  first.precision(9);
  for (int i = 0; i < 4; ++i) first << (i == 0 ? "" : " ") << values[static_cast<std::size_t>(16 * i + 1)];
  want["values 1, 17, 33, 49"] = first.str();
  EXPECT_EQ(example_of_page(), want);
}

}  // namespace
}  // namespace lq
