// A feed-forward part of many experts, of which each token uses a few (Shazeer et al. 2017; as Mixtral,
// Qwen3-MoE and, with biases, gpt-oss have it): y = sum over the chosen of weight * expert(x), weights by
// ops/routing.h from router x. The gradient flows through the experts and through the weights.
#pragma once

#include <cstdint>
#include <vector>

#include "nn/linear.h"
#include "nn/mlp.h"
#include "tensor/workspace.h"

namespace lq {

// Kept from forward for backward. Rows are (token, expert) pairs, expert by expert, tokens rising in each.
struct ExpertsTape {
  Matrix shares;                     // [tokens, experts]
  Matrix weights;                    // [tokens, used]
  MlpTape inner;                     // [tokens * used, inner] each
  std::vector<std::int32_t> chosen;  // [tokens, used]
  std::vector<std::int32_t> tokens;  // [rows]
  std::vector<std::int32_t> places;  // [rows], in chosen and weights
  std::vector<std::int64_t> starts;  // [experts + 1], rows of each expert
};

struct Experts {
  Linear router;  // [experts, dim]
  std::vector<Mlp> experts;
  std::int64_t used = 1;
  bool normalized = true;

  bool gated() const { return experts.front().gated(); }
  std::int64_t inner() const { return experts.front().inner(); }
  std::int64_t count() const { return std::ssize(experts); }

  // Routes the tokens and fills the tape: its matrices are there, its lists are made.   x: [tokens, dim].
  void project(Context& ctx, Workspace& ws, ConstMatrix x, ExpertsTape& tape) const;
  // y from the tape. y: [tokens, dim].
  void finish(Context& ctx, Workspace& ws, const ExpertsTape& tape, Matrix y) const;
  // dx = . x as in project. The tape is used up.
  void backward(Context& ctx, Workspace& ws, ConstMatrix x, const ExpertsTape& tape, ConstMatrix dy,
                Matrix dx);
};

}  // namespace lq
