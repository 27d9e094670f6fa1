// The sums of one transformer block: what passes through its linears, seen by a hook.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "calibrate/stats_format.h"
#include "models/transformer_block.h"
#include "ops/fisher_sum.h"
#include "ops/symmetric_sum.h"

namespace lq {

// What to gather.
struct Gather {
  bool fisher = true;
  bool full_fisher = false;
  bool input_moment = true;
  bool held_out = true;  // a held-out input moment beside it
  bool output_grad_moment = true;
  bool weighted_input_moment = false;  // REQUIRES where true: output_grad_moment
  // Linears that are gathered; the others pass.
  std::function<bool(const std::string& module)> wanted;

  bool gradients() const { return fisher || full_fisher || output_grad_moment; }
};

// Divisors of the sums (calibration_stats.h): predicted tokens, positions, positions held out.
struct StatisticsCounts {
  std::int64_t predicted = 0, positions = 0, held_out_positions = 0;
};

// What passes through the linears now, and what becomes of it. Every x and dy is checked to be finite.
enum class StatisticsPass {
  kCheck,          // nothing else: a forward pass whose backward is to come, or none
  kInputs,         // forward: x goes into the input moments
  kInputsHeldOut,  // forward: x goes into the held-out input moments
  kGradients,      // backward: x and dy go into everything (not the held-out moments)
};

class BlockStatistics final : public LinearHook {
 public:
  // Sums of zero for the wanted linears of the block. While this lives, it is their hook.
  // They lie on the context's device, as the block does.
  BlockStatistics(Context& ctx, TransformerBlock& block, const Gather& gather);
  ~BlockStatistics() override;
  BlockStatistics(const BlockStatistics&) = delete;
  BlockStatistics& operator=(const BlockStatistics&) = delete;

  // Bytes of the sums, and of the finished statistics.
  static std::int64_t sum_bytes(TransformerBlock& block, const Gather& gather);
  // Bytes that gathering takes besides, on another device than the processor, for groups of `tokens` tokens.
  static std::int64_t device_scratch_bytes(TransformerBlock& block, const Gather& gather,
                                           std::int64_t tokens);
  static std::int64_t output_bytes(TransformerBlock& block, const Gather& gather);
  // The finished tensors' names and shapes.
  static std::vector<TensorSpec> specs(TransformerBlock& block, const Gather& gather);
  // What the file says of the wanted linears. Modules that share an input name the first wanted one of them.
  static StatsModules modules(TransformerBlock& block, const Gather& gather);

  // From now on: starts of the sequences that pass (kGradients), and who they are, for errors ("windows 4 to
  // 7").
  void begin(StatisticsPass pass, std::span<const std::int64_t> starts, std::string who);

  // Throw Error(kInvalidArgument) naming the layer for values that are not finite.
  void on_forward(Context& ctx, const Linear& linear, ConstMatrix x, Tokens tokens) override;
  void on_backward(Context& ctx, const Linear& linear, ConstMatrix x, ConstMatrix dy, Tokens tokens) override;

  // Brings the sums to the processor. REQUIRES before finish().
  void to_host(Context& ctx);

  // All of the state under names of its own, where it lies: for saving, and to write over.
  std::vector<std::pair<std::string, Tensor*>> state();

  // The statistics as f32, in the order of specs().
  std::vector<std::pair<std::string, Tensor>> finish(ThreadPool& pool, const StatisticsCounts& counts) const;

 private:
  struct Layer {
    Linear* linear = nullptr;
    std::int64_t input_group = 0;  // of Module
    bool first_of_input = false;   // the first of those that read this input
    bool wanted = false;
    bool owns_input = false;  // its input moments are kept under its name
    FisherSum fisher;
    SymmetricSum input, held_out, output_grad, weighted;
  };
  void add_on_device(Context& ctx, Layer& layer, ConstMatrix x, ConstMatrix dy,
                     std::span<const std::int64_t> starts);
  static std::vector<Layer> layers_of(TransformerBlock& block, const Gather& gather);
  Layer& layer_of(const Linear& linear);
  void check_finite(Context& ctx, const Linear& linear, ConstMatrix m, std::string_view what) const;

  Gather gather_;
  std::vector<Layer> layers_;
  StatisticsPass pass_ = StatisticsPass::kCheck;
  std::span<const std::int64_t> starts_;
  std::string who_;
  Workspace workspace_;  // of another device's products
};

}  // namespace lq
