#include "nn/experts.h"

#include <span>

#include "ops/elementwise.h"
#include "ops/routing.h"
#include "ops/rows.h"

namespace lq {
namespace {

// What one expert has of the tape.
struct Share {
  std::int64_t begin, count;
  std::span<const std::int32_t> tokens, places;
  MlpTape inner;
};

Share share_of(const ExpertsTape& tape, std::int64_t expert) {
  const auto e = static_cast<std::size_t>(expert);
  const std::int64_t begin = tape.starts[e];
  const std::int64_t count = tape.starts[e + 1] - begin;
  const auto part = [&](const std::vector<std::int32_t>& all) {
    return std::span(all).subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(count));
  };
  const Matrix& gate = tape.inner.gate;
  return {begin, count, part(tape.tokens), part(tape.places),
          MlpTape{gate.cols > 0 ? gate.slice(begin, count) : gate, tape.inner.up.slice(begin, count)}};
}

// A column of numbers, one for each (token, place).
Matrix column_of(Matrix m) { return {m.data, m.size(), 1, m.device}; }
ConstMatrix column_of(ConstMatrix m) { return {m.data, m.size(), 1, m.device}; }

void sort_by_expert(std::int64_t experts, std::int64_t used, ExpertsTape& tape) {
  tape.starts.assign(static_cast<std::size_t>(experts) + 1, 0);
  for (const std::int32_t e : tape.chosen) ++tape.starts[static_cast<std::size_t>(e) + 1];
  for (std::size_t e = 1; e < tape.starts.size(); ++e) tape.starts[e] += tape.starts[e - 1];
  std::vector<std::int64_t> next(tape.starts.begin(), tape.starts.end() - 1);
  tape.tokens.resize(tape.chosen.size());
  tape.places.resize(tape.chosen.size());
  for (std::size_t i = 0; i < tape.chosen.size(); ++i) {
    const auto at = static_cast<std::size_t>(next[static_cast<std::size_t>(tape.chosen[i])]++);
    tape.tokens[at] = static_cast<std::int32_t>(static_cast<std::int64_t>(i) / used);
    tape.places[at] = static_cast<std::int32_t>(i);
  }
}

}  // namespace

void Experts::project(Context& ctx, Workspace& ws, ConstMatrix x, ExpertsTape& tape) const {
  router.forward(ctx, ws, x, tape.shares);
  tape.chosen.resize(static_cast<std::size_t>(x.rows * used));
  routing_forward(ctx, normalized, tape.shares, tape.chosen, tape.weights);
  sort_by_expert(count(), used, tape);
  for (std::int64_t e = 0; e < count(); ++e) {
    const Share share = share_of(tape, e);
    if (share.count == 0) continue;
    Scratch scratch(ws);
    const Matrix seen = scratch.matrix(share.count, x.cols);
    take_rows(ctx, x, share.tokens, seen);
    experts[static_cast<std::size_t>(e)].project(ctx, ws, seen, share.inner, share.tokens);
  }
}

void Experts::finish(Context& ctx, Workspace& ws, const ExpertsTape& tape, Matrix y) const {
  fill(ctx, y, 0.0F);
  for (std::int64_t e = 0; e < count(); ++e) {
    const Share share = share_of(tape, e);
    if (share.count == 0) continue;
    Scratch scratch(ws);
    const Matrix out = scratch.matrix(share.count, y.cols);
    const Matrix factors = scratch.matrix(share.count, 1);
    experts[static_cast<std::size_t>(e)].finish(ctx, ws, share.inner, out, share.tokens);
    take_rows(ctx, column_of(ConstMatrix(tape.weights)), share.places, factors);
    add_rows(ctx, out, factors.flat(), share.tokens, y);
  }
}

void Experts::backward(Context& ctx, Workspace& ws, ConstMatrix x, const ExpertsTape& tape, ConstMatrix dy,
                       Matrix dx) {
  Scratch scratch(ws);
  const Matrix dweights = scratch.matrix(x.rows, used);
  fill(ctx, dweights, 0.0F);
  fill(ctx, dx, 0.0F);
  for (std::int64_t e = 0; e < count(); ++e) {
    const Share share = share_of(tape, e);
    if (share.count == 0) continue;
    Scratch room(ws);
    Mlp& expert = experts[static_cast<std::size_t>(e)];
    const Matrix seen = room.matrix(share.count, x.cols);
    const Matrix dseen = room.matrix(share.count, x.cols);
    const Matrix dout = room.matrix(share.count, x.cols);
    const Matrix factors = room.matrix(share.count, 1);
    const Matrix slopes = room.matrix(share.count, 1);
    const Matrix ones = room.matrix(share.count, 1);
    take_rows(ctx, dy, share.tokens, dout);
    // Of the weight: dy . expert(x), which dseen holds for now.
    expert.finish(ctx, ws, share.inner, dseen, share.tokens);
    row_dots(ctx, dout, dseen, slopes.flat());
    fill(ctx, ones, 1.0F);
    add_rows(ctx, slopes, ones.flat(), share.places, column_of(dweights));
    take_rows(ctx, column_of(ConstMatrix(tape.weights)), share.places, factors);
    scale_rows(ctx, factors.flat(), dout);
    take_rows(ctx, x, share.tokens, seen);
    expert.backward(ctx, ws, seen, share.inner, dout, dseen, share.tokens);
    add_rows(ctx, dseen, ones.flat(), share.tokens, dx);
  }
  const Matrix dlogits = scratch.matrix(x.rows, count());
  routing_backward(ctx, normalized, tape.shares, tape.chosen, tape.weights, dweights, dlogits);
  router.backward(ctx, ws, x, dlogits, dx, true);
}

}  // namespace lq
