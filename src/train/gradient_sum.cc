#include "train/gradient_sum.h"

#include "base/error.h"
#include "ops/elementwise.h"

namespace lq {

PartRange GradientSum::begin(Context& ctx, std::int64_t micro_batches) {
  LQ_CHECK(micro_batches > 0, kInternal, "[train] a step of {} micro-batches", micro_batches);
  micro_batches_ = micro_batches;
  own_ = parts_of_rank(micro_batches, ranks_.rank(), ranks_.size());
  next_ = 0;
  depth_ = 0;
  arena_.clear(ctx);
  return own_;
}

void GradientSum::add_top(Context& ctx, Matrix to) {
  --depth_;
  add_forward(ctx, matrix_of(waiting_[depth_]), to);
}

void GradientSum::add(Context& ctx) {
  LQ_CHECK(next_ < own_.count(), kInternal, "[train] a gradient more than the {} of this rank", own_.count());
  const int finished = nodes_finished_by(next_++);
  if (next_ == own_.count()) {  // the last: it stays in the arena, with all that waits
    while (depth_ > 0) add_top(ctx, arena_.all());
    return;
  }
  if (finished == 0) {  // it waits, and the arena gets another buffer
    if (depth_ == waiting_.size()) waiting_.push_back(arena_.another());
    arena_.exchange(waiting_[depth_++]);
  } else {
    add_forward(ctx, arena_.all(), matrix_of(waiting_[depth_ - 1]));
    for (int i = 1; i < finished; ++i) add_top(ctx, matrix_of(waiting_[depth_ - 2]));
  }
  arena_.clear(ctx);
}

void GradientSum::finish() {
  LQ_CHECK(next_ == own_.count(), kInternal, "[train] {} of {} gradients were added", next_, own_.count());
  ranks_.sum_by_tree(arena_.all().flat(), ranks_with_parts(micro_batches_, ranks_.size()));
}

std::int64_t GradientSum::spare_bytes(std::int64_t arena_size, std::int64_t micro_batches, int ranks) {
  const std::int64_t most = parts_of_rank(micro_batches, 0, ranks).count();
  return most_waiting_nodes(most) * arena_size * static_cast<std::int64_t>(sizeof(float));
}

}  // namespace lq
