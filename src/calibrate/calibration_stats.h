// A statistics file as `calibrate` writes it (docs/formats/stats.md), read back with everything checked.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "calibrate/stats_format.h"
#include "formats/safetensors_reader.h"

namespace lq {

// Scaling. With l the loss of one token in nats, T the predicted tokens of the sequences that were summed,
// and for a linear layer x_t its input, y_t its output, g_t = d(sum of its sequence's losses)/d y_t at
// position t:
//   Fisher                F = 1/T  sum over sequences of (sum_t g_t x_t^T)^2, elementwise   [rows, cols]
//   output gradients      G = 1/T  sum over positions of g_t g_t^T                          [rows, rows]
//   input                 R = mean over positions of x_t x_t^T                              [cols, cols]
//   weighted input        R_g = sum of |g_t|^2 x_t x_t^T / sum of |g_t|^2                   [cols, cols]
// so that for a small error E of the weight
//   1/2 sum F[i, j] E[i, j]^2  (diagonal),  1/2 tr(G E R E^T)  and  1/2 tr(G E R_g E^T)  (Kronecker-factored)
// estimate the rise of the mean loss per token, in nats. The paper squares gradients of the mean loss of a
// sequence of n predicted tokens: its Fisher is F / n.
//
// `module` is the full module name, with or without ".weight". Movable; thread-safe. Every read throws
// Error(kNotFound) naming file and module where the file has no such module or statistic, and
// Error(kCorruptFile) naming file and tensor for values that cannot be.
class CalibrationStats {
 public:
  // Checks names, types and shapes of everything; values are checked when they are read. Throws what
  // SafetensorsReader throws, Error(kCorruptFile), and Error(kUnsupported) for another format or version.
  static CalibrationStats open(const std::filesystem::path& path);

  const std::filesystem::path& path() const { return reader_.path(); }
  const std::string& model_hash() const { return model_hash_; }
  // Of what the model's config.json said about its numbers (computing_config_hash()); empty in files of older
  // versions, which do not say. An empty one fits to any.
  const std::string& config_hash() const { return config_hash_; }
  bool has_config(std::string_view config_hash) const {
    return config_hash_.empty() || config_hash.empty() || config_hash_ == config_hash;
  }
  // Throws Error(kMismatch) unless the statistics are of this model: with both hashes of its weights, or
  // saying that its config.json is another.
  void check_model(std::string_view model_hash, std::string_view config_hash) const;
  // Identity of what was gathered from what: equal for equal model, text and options.
  const std::string& job_hash() const { return job_hash_; }

  std::int64_t sequences() const { return sequences_; }          // summed; held-out ones not counted
  std::int64_t held_out_sequences() const { return held_out_; }  // in input_moment_held_out only
  std::int64_t tokens() const { return tokens_; }                // predicted in `sequences`
  std::int64_t seq_len() const { return seq_len_; }
  // Modules with a statistic that is all zeros: they never fire on this text.
  const std::vector<std::string>& silent_modules() const { return silent_; }
  double mean_loss() const { return mean_loss_; }  // nats a predicted token; 0 where no gradient was made

  const StatsModules& modules() const { return modules_; }
  bool has(std::string_view module) const;
  bool has_fisher(std::string_view module) const { return find(module, kFisherRows) != nullptr; }
  bool has_input_moment(std::string_view module) const { return find(module, kInputMoment) != nullptr; }
  bool has_held_out(std::string_view module) const { return find(module, kInputMomentHeldOut) != nullptr; }
  bool has_output_grad_moment(std::string_view module) const {
    return find(module, kOutputGradMoment) != nullptr;
  }
  bool has_weighted_input_moment(std::string_view module) const {
    return find(module, kWeightedInputMoment) != nullptr;
  }
  // The module under which its input's moments are kept: read them once for modules that share it.
  const std::string& input_owner(std::string_view module) const { return at(module).input; }
  // Throws Error(kMismatch) naming both shapes unless the module is rows x cols.
  void check_shape(std::string_view module, std::int64_t rows, std::int64_t cols) const;

  // Means of F over each row [rows] and each column [cols]; finite, >= 0.
  std::vector<double> fisher_rows(std::string_view module) const;
  std::vector<double> fisher_cols(std::string_view module) const;
  // F itself, [rows, cols] row-major; finite, >= 0.
  std::vector<float> fisher(std::string_view module) const;
  // Finite, symmetric, diagonal >= 0. A layer that never fires has zeros.
  std::vector<float> input_moment(std::string_view module) const;           // [cols, cols]
  std::vector<float> input_moment_held_out(std::string_view module) const;  // [cols, cols]
  std::vector<float> weighted_input_moment(std::string_view module) const;  // [cols, cols]
  std::vector<float> output_grad_moment(std::string_view module) const;     // [rows, rows]
  // Their diagonals alone, [cols]; the rest is not looked at.
  std::vector<float> input_moment_diagonal(std::string_view module) const;
  std::vector<float> weighted_input_moment_diagonal(std::string_view module) const;

 private:
  explicit CalibrationStats(SafetensorsReader reader) : reader_(std::move(reader)) {}
  void read_metadata();
  void check_tensors() const;
  const StatsModule& at(std::string_view module) const;
  const TensorView* find(std::string_view module, std::string_view what) const;
  const TensorView& tensor(std::string_view module, std::string_view what) const;
  std::vector<float> values(std::string_view module, std::string_view what) const;
  std::vector<float> moment(std::string_view module, std::string_view what) const;
  std::vector<float> diagonal(std::string_view module, std::string_view what) const;

  SafetensorsReader reader_;
  std::string model_hash_, config_hash_, job_hash_;
  std::int64_t sequences_ = 0, held_out_ = 0, tokens_ = 0, seq_len_ = 0;
  double mean_loss_ = 0.0;
  StatsModules modules_;
  std::vector<std::string> silent_;
};

}  // namespace lq
