// What a calibration passes through the model: a text as token windows of one length, or a task's examples.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "data/encode_example.h"
#include "models/model_spec.h"
#include "tensor/context.h"
#include "tokenizers/tokenizer.h"

namespace lq {

// Examples with labels, whose loss is the task's.
struct TaskSequences {
  LabelSpec labels;
  std::vector<EncodedExample> examples;
};

struct WindowOptions {
  std::vector<std::filesystem::path> data;
  std::string field = "text";
  std::int64_t samples = 256;
  std::int64_t seq_len = 512;  // BOS included
  double hold_out = 0.125;
};

// Windows to be summed first, then those held out, each in the order of the text.
struct CalibrationWindows {
  std::int64_t seq_len = 0;           // of each window, or of the longest example
  std::vector<std::int32_t> ids;      // of all windows, end to end
  std::vector<std::int64_t> numbers;  // of each window in the text, from 0
  std::int64_t held_out = 0;          // the last ones
  // Of a masked language model: what is hidden at each of the ids (kNoTarget: nothing). Empty: the next token
  // is predicted, or a label.
  std::vector<std::int32_t> targets = {};
  // Of a task's examples: where each begins in ids (and the end of all), token types, a label each.
  std::vector<std::int64_t> starts = {};
  std::vector<std::int32_t> types = {};
  std::vector<float> labels = {};

  bool labelled() const { return !labels.empty(); }
  // Where window i begins in ids; of i = count() the end.
  std::int64_t start(std::int64_t i) const {
    return starts.empty() ? i * seq_len : starts[static_cast<std::size_t>(i)];
  }
  // Tokens of the windows [first, first + n).
  std::int64_t tokens(std::int64_t first, std::int64_t n) const { return start(first + n) - start(first); }
  // Losses of the summed windows: predicted tokens, or labels.
  std::int64_t predicted() const;

  std::int64_t count() const { return static_cast<std::int64_t>(numbers.size()); }
  std::int64_t summed() const { return count() - held_out; }
  // ids = those of all sequences end to end, window i being sequence numbers[i]. REQUIRES: all of one length,
  // seq_len.
  void fill(std::span<const std::int32_t> sequences);
  std::span<const std::int32_t> window(std::int64_t i) const {
    return std::span(ids).subspan(static_cast<std::size_t>(start(i)), static_cast<std::size_t>(tokens(i, 1)));
  }
};

// Documents end to end, a blank line between two, tokenized one by one without special tokens, and cut into
// windows without overlap; what is left at the end is dropped. Where the tokenizer adds BOS, each window
// begins with it. Of the W windows read (at most 16 times `samples`) those numbered i W / n are taken, n =
// min(samples, W); of these, round(n hold_out) are held out, spread alike (at least one if n > 1 and hold_out
// > 0). Throws Error(kInvalidArgument) for a text too short for one window and impossible options.
CalibrationWindows calibration_windows(Context& ctx, const Tokenizer& tokenizer,
                                       const WindowOptions& options);

// The same for a masked language model: each window stands between the tokenizer's special tokens, and 15 in
// 100 of the others are hidden (data/mask_tokens.h) by the context's seed. vocab: of the model. Throws
// Error(kNotFound) for a tokenizer without a mask token.
CalibrationWindows masked_windows(Context& ctx, const Tokenizer& tokenizer, const WindowOptions& options,
                                  std::int64_t vocab);

// Windows of n sequences that are not there yet (fill), held out as above. Throws Error(kInvalidArgument) for
// impossible options.
CalibrationWindows self_windows(std::int64_t n, std::int64_t seq_len, double hold_out);

// A task's examples instead of a text: of W those numbered i W / n, n = min(samples, W), held out as above.
CalibrationWindows task_windows(const TaskSequences& task, std::int64_t samples, double hold_out);

}  // namespace lq
