#include "calibrate/block_statistics.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/error.h"
#include "ops/device_memory.h"
#include "ops/reduce.h"

namespace lq {
namespace {

void add_to(Context& ctx, Workspace& ws, SymmetricSum& sum, ConstMatrix x) {
  if (!x.device.is_cpu()) return sum.add(ctx, ws, x);
  ThreadPool& pool = ctx.pool;
  pool.run(sum.jobs(), [&](std::int64_t job) { sum.run_job(pool, job, x.data, x.rows); });
}

Tensor means_of(const std::vector<double>& sums, double factor) {
  return scaled_to_f32(sums, {std::ssize(sums)}, factor);
}

Tensor moment_of(ThreadPool& pool, const SymmetricSum& sum, std::int64_t count) {
  Tensor t = Tensor::empty(DType::kF32, {sum.size(), sum.size()});
  sum.write(pool, 1.0 / static_cast<double>(count), t.mutable_data<float>());
  return t;
}

// Where the sequences start among some of their tokens; sequences without any are left out.
std::vector<std::int64_t> starts_within(std::span<const std::int64_t> starts, Tokens tokens) {
  std::vector<std::int64_t> within = {0};
  for (std::size_t s = 1; s < starts.size(); ++s) {
    const std::int64_t end = std::ranges::lower_bound(tokens, starts[s]) - tokens.begin();
    if (end > within.back()) within.push_back(end);
  }
  return within;
}

std::string named(const Linear& linear, std::string_view what) { return linear.name() + std::string(what); }

}  // namespace

std::vector<BlockStatistics::Layer> BlockStatistics::layers_of(TransformerBlock& block,
                                                               const Gather& gather) {
  std::vector<Layer> layers;
  std::set<std::int64_t> seen, owned;  // input groups
  for (const Module& m : block.modules()) {
    Layer& layer = layers.emplace_back();
    layer.linear = m.linear;
    layer.input_group = m.input_group;
    layer.first_of_input = seen.insert(m.input_group).second;
    layer.wanted = !gather.wanted || gather.wanted(m.name);
    layer.owns_input = layer.wanted && owned.insert(m.input_group).second;
  }
  return layers;
}

BlockStatistics::BlockStatistics(Context& ctx, TransformerBlock& block, const Gather& gather)
    : gather_(gather), layers_(layers_of(block, gather)), workspace_(ctx.device, empty_tensor) {
  for (Layer& l : layers_) {
    l.linear->set_hook(this);
    if (!l.wanted) continue;
    const std::int64_t rows = l.linear->out();
    const std::int64_t cols = l.linear->in();
    if (gather.fisher || gather.full_fisher) l.fisher = FisherSum(ctx, rows, cols, gather.full_fisher);
    if (gather.output_grad_moment) l.output_grad = SymmetricSum(ctx, rows);
    if (gather.weighted_input_moment) l.weighted = SymmetricSum(ctx, cols);
    if (gather.input_moment && l.owns_input) l.input = SymmetricSum(ctx, cols);
    if (gather.input_moment && gather.held_out && l.owns_input) l.held_out = SymmetricSum(ctx, cols);
  }
}

BlockStatistics::~BlockStatistics() {
  for (Layer& l : layers_) l.linear->set_hook(nullptr);
}

std::int64_t BlockStatistics::sum_bytes(TransformerBlock& block, const Gather& gather) {
  std::int64_t sum = 0;
  for (const Layer& l : layers_of(block, gather)) {
    if (!l.wanted) continue;
    const std::int64_t rows = l.linear->out();
    const std::int64_t cols = l.linear->in();
    if (gather.fisher || gather.full_fisher) sum += FisherSum::bytes(rows, cols, gather.full_fisher);
    if (gather.output_grad_moment) sum += SymmetricSum::bytes(rows);
    if (gather.weighted_input_moment) sum += SymmetricSum::bytes(cols);
    if (gather.input_moment && l.owns_input) sum += (gather.held_out ? 2 : 1) * SymmetricSum::bytes(cols);
  }
  return sum;
}

std::int64_t BlockStatistics::device_scratch_bytes(TransformerBlock& block, const Gather& gather,
                                                   std::int64_t tokens) {
  std::int64_t most = 0;
  for (const Layer& l : layers_of(block, gather)) {
    if (!l.wanted) continue;
    const std::int64_t rows = l.linear->out();
    const std::int64_t cols = l.linear->in();
    most = std::max(most, SymmetricSum::scratch(cols, tokens));
    if (gather.output_grad_moment) most = std::max(most, SymmetricSum::scratch(rows, tokens));
    if (gather.fisher || gather.full_fisher) most = std::max(most, FisherSum::scratch(rows, cols, tokens));
  }
  return most * static_cast<std::int64_t>(sizeof(float));
}

std::int64_t BlockStatistics::output_bytes(TransformerBlock& block, const Gather& gather) {
  std::int64_t sum = 0;
  for (const TensorSpec& spec : specs(block, gather)) sum += static_cast<std::int64_t>(spec.bytes());
  return sum;
}

std::vector<TensorSpec> BlockStatistics::specs(TransformerBlock& block, const Gather& gather) {
  std::vector<TensorSpec> specs;
  for (const Layer& l : layers_of(block, gather)) {
    if (!l.wanted) continue;
    const std::int64_t rows = l.linear->out();
    const std::int64_t cols = l.linear->in();
    const auto add = [&](std::string_view what, Shape shape) {
      specs.push_back({named(*l.linear, what), DType::kF32, std::move(shape)});
    };
    if (gather.fisher) {
      add(kFisherRows, {rows});
      add(kFisherCols, {cols});
    }
    if (gather.full_fisher) add(kFisher, {rows, cols});
    if (gather.input_moment && l.owns_input) {
      add(kInputMoment, {cols, cols});
      if (gather.held_out) add(kInputMomentHeldOut, {cols, cols});
    }
    if (gather.output_grad_moment) add(kOutputGradMoment, {rows, rows});
    if (gather.weighted_input_moment) add(kWeightedInputMoment, {cols, cols});
  }
  return specs;
}

StatsModules BlockStatistics::modules(TransformerBlock& block, const Gather& gather) {
  StatsModules modules;
  const std::vector<Layer> layers = layers_of(block, gather);
  std::map<std::int64_t, const Linear*> owners;  // of each input group
  for (const Layer& layer : layers) {
    const Linear& linear = *layer.linear;
    if (layer.owns_input) owners[layer.input_group] = &linear;
    if (layer.wanted) {
      modules[linear.name()] = {linear.out(), linear.in(), owners.at(layer.input_group)->name()};
    }
  }
  return modules;
}

void BlockStatistics::begin(StatisticsPass pass, std::span<const std::int64_t> starts, std::string who) {
  pass_ = pass;
  starts_ = starts;
  who_ = std::move(who);
}

BlockStatistics::Layer& BlockStatistics::layer_of(const Linear& linear) {
  const auto it = std::ranges::find_if(layers_, [&](const Layer& l) { return l.linear == &linear; });
  LQ_CHECK(it != layers_.end(), kInternal, "[calibrate] {} belongs to another block", linear.name());
  return *it;
}

void BlockStatistics::check_finite(Context& ctx, const Linear& linear, ConstMatrix m,
                                   std::string_view what) const {
  LQ_CHECK(all_finite(ctx, m.flat()), kInvalidArgument, "[calibrate] {}: {} a NaN or an infinity in {}",
           linear.name(), what, who_);
}

void BlockStatistics::on_forward(Context& ctx, const Linear& linear, ConstMatrix x, Tokens /*tokens*/) {
  Layer& l = layer_of(linear);
  if (l.first_of_input) check_finite(ctx, linear, x, "its input holds");
  if (l.input.size() > 0 && pass_ == StatisticsPass::kInputs) add_to(ctx, workspace_, l.input, x);
  if (l.held_out.size() > 0 && pass_ == StatisticsPass::kInputsHeldOut)
    add_to(ctx, workspace_, l.held_out, x);
}

void BlockStatistics::on_backward(Context& ctx, const Linear& linear, ConstMatrix x, ConstMatrix dy,
                                  Tokens tokens) {
  if (pass_ != StatisticsPass::kGradients) return;
  Layer& l = layer_of(linear);
  check_finite(ctx, linear, dy, "the gradient of its output holds");
  if (!l.wanted) return;
  // An expert sees some of each sequence's tokens.
  std::vector<std::int64_t> seen;
  if (!tokens.empty()) seen = starts_within(starts_, tokens);
  const std::span<const std::int64_t> starts = tokens.empty() ? starts_ : std::span<const std::int64_t>(seen);
  if (!x.device.is_cpu()) return add_on_device(ctx, l, x, dy, starts);
  const Tensor scaled = l.weighted.size() > 0 ? scaled_by_norms(ctx, x, dy) : Tensor();
  // All sums in one go: their jobs share out better together.
  const std::int64_t fisher = l.fisher.jobs();
  const std::int64_t output = fisher + l.output_grad.jobs();
  const std::int64_t input = output + l.input.jobs();
  ctx.pool.run(input + l.weighted.jobs(), [&](std::int64_t job) {
    if (job < fisher) {
      l.fisher.run_job(ctx.pool, job, x.data, dy.data, starts);
    } else if (job < output) {
      l.output_grad.run_job(ctx.pool, job - fisher, dy.data, dy.rows);
    } else if (job < input) {
      l.input.run_job(ctx.pool, job - output, x.data, x.rows);
    } else {
      l.weighted.run_job(ctx.pool, job - input, scaled.data<float>(), x.rows);
    }
  });
}

void BlockStatistics::add_on_device(Context& ctx, Layer& l, ConstMatrix x, ConstMatrix dy,
                                    std::span<const std::int64_t> starts) {
  if (gather_.fisher || gather_.full_fisher) l.fisher.add(ctx, workspace_, x, dy, starts);
  if (l.output_grad.size() > 0) l.output_grad.add(ctx, workspace_, dy);
  if (l.input.size() > 0) l.input.add(ctx, workspace_, x);
  if (l.weighted.size() == 0) return;
  const Tensor scaled = scaled_by_norms(ctx, x, dy);
  l.weighted.add(ctx, workspace_, const_matrix_of(scaled));
}

void BlockStatistics::to_host(Context& ctx) {
  for (Layer& l : layers_) {
    l.fisher.to_host(ctx);
    for (SymmetricSum* sum : {&l.input, &l.held_out, &l.output_grad, &l.weighted}) sum->to_host(ctx);
  }
}

std::vector<std::pair<std::string, Tensor*>> BlockStatistics::state() {
  std::vector<std::pair<std::string, Tensor*>> all;
  for (Layer& l : layers_) {
    const auto add = [&](std::string_view what, Tensor& t) {
      if (t.numel() > 0) all.emplace_back(named(*l.linear, what), &t);
    };
    add(kFisherRows, l.fisher.sums());
    add(kFisher, l.fisher.full_sums());
    add(kInputMoment, l.input.state());
    add(kInputMomentHeldOut, l.held_out.state());
    add(kOutputGradMoment, l.output_grad.state());
    add(kWeightedInputMoment, l.weighted.state());
  }
  return all;
}

std::vector<std::pair<std::string, Tensor>> BlockStatistics::finish(ThreadPool& pool,
                                                                    const StatisticsCounts& counts) const {
  std::vector<std::pair<std::string, Tensor>> out;
  const double per_token = 1.0 / static_cast<double>(std::max<std::int64_t>(1, counts.predicted));
  for (const Layer& l : layers_) {
    if (!l.wanted) continue;
    const auto rows = static_cast<double>(l.linear->out());
    const auto cols = static_cast<double>(l.linear->in());
    const auto add = [&](std::string_view what, Tensor t) {
      out.emplace_back(named(*l.linear, what), std::move(t));
    };
    if (gather_.fisher) {
      add(kFisherRows, means_of(l.fisher.row_sums(), per_token / cols));
      add(kFisherCols, means_of(l.fisher.col_sums(), per_token / rows));
    }
    if (gather_.full_fisher) {
      add(kFisher, scaled_to_f32(l.fisher.full(), {l.linear->out(), l.linear->in()}, per_token));
    }
    if (l.input.size() > 0) add(kInputMoment, moment_of(pool, l.input, counts.positions));
    if (l.held_out.size() > 0) {
      add(kInputMomentHeldOut, moment_of(pool, l.held_out, counts.held_out_positions));
    }
    if (l.output_grad.size() > 0) add(kOutputGradMoment, moment_of(pool, l.output_grad, counts.predicted));
    if (l.weighted.size() > 0) {
      const double weight = l.output_grad.trace();  // of all positions
      Tensor t = Tensor::empty(DType::kF32, {l.weighted.size(), l.weighted.size()});
      l.weighted.write(pool, weight > 0.0 ? 1.0 / weight : 0.0, t.mutable_data<float>());
      add(kWeightedInputMoment, std::move(t));
    }
  }
  return out;
}

}  // namespace lq
