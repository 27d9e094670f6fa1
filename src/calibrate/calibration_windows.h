// The calibration text as token windows of one length.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "tensor/context.h"
#include "tokenizers/tokenizer.h"

namespace lq {

struct WindowOptions {
  std::vector<std::filesystem::path> data;
  std::string field = "text";
  std::int64_t samples = 256;
  std::int64_t seq_len = 512;  // BOS included
  double hold_out = 0.125;
};

// Windows to be summed first, then those held out, each in the order of the text.
struct CalibrationWindows {
  std::int64_t seq_len = 0;
  std::vector<std::int32_t> ids;      // [count() * seq_len]
  std::vector<std::int64_t> numbers;  // of each window in the text, from 0
  std::int64_t held_out = 0;          // the last ones

  std::int64_t count() const { return static_cast<std::int64_t>(numbers.size()); }
  std::int64_t summed() const { return count() - held_out; }
  std::span<const std::int32_t> window(std::int64_t i) const {
    return std::span(ids).subspan(static_cast<std::size_t>(i * seq_len), static_cast<std::size_t>(seq_len));
  }
};

// Documents end to end, a blank line between two, tokenized one by one without special tokens, and cut into
// windows without overlap; what is left at the end is dropped. Where the tokenizer adds BOS, each window
// begins with it. Of the W windows read (at most 16 times `samples`) those numbered i W / n are taken, n =
// min(samples, W); of these, round(n hold_out) are held out, spread alike (at least one if n > 1 and hold_out
// > 0). Throws Error(kInvalidArgument) for a text too short for one window and impossible options.
CalibrationWindows calibration_windows(Context& ctx, const Tokenizer& tokenizer,
                                       const WindowOptions& options);

}  // namespace lq
