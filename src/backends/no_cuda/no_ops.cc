// The symbols of backends/cuda in builds without CUDA: ops.
#include "backends/cuda/attention.h"
#include "backends/cuda/elementwise.h"
#include "backends/cuda/feedback.h"
#include "backends/cuda/folded.h"
#include "backends/cuda/gram.h"
#include "backends/cuda/loss.h"
#include "backends/cuda/moments.h"
#include "backends/cuda/norm.h"
#include "backends/cuda/optimizer.h"
#include "backends/cuda/product.h"
#include "backends/cuda/quantize.h"
#include "backends/cuda/tiles.h"
#include "backends/cuda/tokens.h"
#include "backends/cuda/trellis_encode.h"
#include "backends/no_cuda/refuse.h"

namespace lq::backends::cuda {

using no_cuda::refuse;

void rms_norm_forward(DeviceQueue& /*queue*/, std::int64_t /*rows*/, std::int64_t /*cols*/,
                      const float* /*x*/, const float* /*w*/, float /*eps*/, float* /*y*/, float* /*rstd*/) {
  refuse("rms_norm_forward");
}
void rms_norm_backward(DeviceQueue& /*queue*/, std::int64_t /*rows*/, std::int64_t /*cols*/,
                       const float* /*x*/, const float* /*w*/, const float* /*rstd*/, const float* /*dy*/,
                       float* /*dx*/, float* /*dw*/) {
  refuse("rms_norm_backward");
}

void silu_mul_forward(DeviceQueue& /*queue*/, std::int64_t /*n*/, const float* /*gate*/, const float* /*up*/,
                      float* /*out*/) {
  refuse("silu_mul_forward");
}
void silu_mul_backward(DeviceQueue& /*queue*/, std::int64_t /*n*/, const float* /*gate*/, const float* /*up*/,
                       const float* /*dout*/, float* /*dgate*/, float* /*dup*/) {
  refuse("silu_mul_backward");
}
void activation_forward(DeviceQueue& /*queue*/, Activation /*activation*/, std::int64_t /*n*/,
                        const float* /*x*/, float* /*y*/) {
  refuse("activation_forward");
}
void activation_backward(DeviceQueue& /*queue*/, Activation /*activation*/, std::int64_t /*n*/,
                         const float* /*x*/, const float* /*dy*/, float* /*dx*/) {
  refuse("activation_backward");
}
void gate_forward(DeviceQueue& /*queue*/, Activation /*activation*/, std::int64_t /*n*/,
                  const float* /*gate*/, const float* /*up*/, float* /*out*/) {
  refuse("gate_forward");
}
void gate_backward(DeviceQueue& /*queue*/, Activation /*activation*/, std::int64_t /*n*/,
                   const float* /*gate*/, const float* /*up*/, const float* /*dout*/, float* /*dgate*/,
                   float* /*dup*/) {
  refuse("gate_backward");
}
void clamped_gate_forward(DeviceQueue& /*queue*/, GateClamp /*clamp*/, std::int64_t /*n*/,
                          const float* /*gate*/, const float* /*up*/, float* /*out*/) {
  refuse("clamped_gate_forward");
}
void clamped_gate_backward(DeviceQueue& /*queue*/, GateClamp /*clamp*/, std::int64_t /*n*/,
                           const float* /*gate*/, const float* /*up*/, const float* /*dout*/,
                           float* /*dgate*/, float* /*dup*/) {
  refuse("clamped_gate_backward");
}
void soft_cap_forward(DeviceQueue& /*queue*/, float /*cap*/, std::int64_t /*n*/, float* /*x*/) {
  refuse("soft_cap_forward");
}
void soft_cap_backward(DeviceQueue& /*queue*/, float /*cap*/, std::int64_t /*n*/, const float* /*capped*/,
                       float* /*dx*/) {
  refuse("soft_cap_backward");
}
void take_columns(DeviceQueue& /*queue*/, std::int64_t /*rows*/, std::int64_t /*cols*/,
                  std::int64_t /*width*/, std::int64_t /*begin*/, const float* /*whole*/, float* /*part*/) {
  refuse("take_columns");
}
void put_columns(DeviceQueue& /*queue*/, std::int64_t /*rows*/, std::int64_t /*cols*/, std::int64_t /*width*/,
                 std::int64_t /*begin*/, const float* /*part*/, float* /*whole*/) {
  refuse("put_columns");
}
void fill(DeviceQueue& /*queue*/, std::int64_t /*n*/, float /*value*/, float* /*x*/) { refuse("fill"); }
void scale(DeviceQueue& /*queue*/, std::int64_t /*n*/, float /*factor*/, float* /*x*/) { refuse("scale"); }
void add(DeviceQueue& /*queue*/, std::int64_t /*n*/, const float* /*x*/, float* /*y*/) { refuse("add"); }
void add_bias(DeviceQueue& /*queue*/, std::int64_t /*rows*/, std::int64_t /*cols*/, const float* /*bias*/,
              float* /*y*/) {
  refuse("bias_forward");
}
void add_column_sums(DeviceQueue& /*queue*/, std::int64_t /*rows*/, std::int64_t /*cols*/, const float* /*x*/,
                     float* /*sums*/) {
  refuse("bias_backward");
}
void dropout(DeviceQueue& /*queue*/, const DropoutMask& /*mask*/, std::int64_t /*n*/, const float* /*x*/,
             float* /*y*/) {
  refuse("dropout");
}
void dropout(DeviceQueue& /*queue*/, const DropoutMask& /*all*/, const std::uint64_t& /*draw*/,
             std::int64_t /*n*/, const float* /*x*/, float* /*y*/) {
  refuse("dropout");
}

void multiply(DeviceQueue& /*queue*/, const Product& /*product*/) { refuse("a product"); }
void few_rows(DeviceQueue& /*queue*/, const FewProduct* /*products*/, int /*count*/, std::int64_t /*rows*/,
              bool /*coarse*/) {
  refuse("a product of few rows");
}
bool folds(const DeviceQueue& /*queue*/) { refuse("folded products"); }
bool folds(const FoldedWeight* /*weights*/, int /*count*/, std::int64_t /*n*/) { refuse("folded products"); }
void folded_forward(DeviceQueue& /*queue*/, const FoldedWeight* /*weights*/, int /*count*/,
                    std::int64_t /*n*/, const float* /*x*/) {
  refuse("folded products");
}
void folded_backward(DeviceQueue& /*queue*/, const FoldedWeight* /*weights*/, int /*count*/,
                     std::int64_t /*n*/, const float* /*x*/, float* /*dx*/, bool /*accumulate*/) {
  refuse("folded products");
}
void packed_decode(DeviceQueue& /*queue*/, const PackedView& /*w*/, std::int64_t /*begin*/,
                   std::int64_t /*count*/, float* /*out*/) {
  refuse("decoding a weight");
}

TileBytes tile_bytes(const NfView& /*v*/) { return {}; }
bool gains_by_tiles(const DeviceQueue& /*queue*/, const NfView& /*v*/) { return false; }
void pack_tiles(DeviceQueue& /*queue*/, const NfView& /*from*/, std::uint8_t* /*codes*/,
                std::uint8_t* /*scales*/) {
  refuse("packing a weight into tiles");
}

void embedding_forward(DeviceQueue& /*queue*/, const DenseView& /*table*/, std::int64_t /*tokens*/,
                       std::int64_t /*dim*/, const std::int32_t* /*ids*/, float* /*x*/) {
  refuse("embedding_forward");
}
void embedding_backward(DeviceQueue& /*queue*/, std::int64_t /*tokens*/, std::int64_t /*dim*/,
                        const std::int32_t* /*ids*/, const float* /*dx*/, float* /*dtable*/) {
  refuse("embedding_backward");
}
void rope_rotate(DeviceQueue& /*queue*/, std::int64_t /*tokens*/, std::int64_t /*heads*/,
                 std::int64_t /*head_dim*/, std::int64_t /*half*/, const float* /*cos*/, const float* /*sin*/,
                 bool /*inverse*/, float* /*x*/) {
  refuse("rope");
}
void rope_rotate(DeviceQueue& /*queue*/, std::int64_t /*tokens*/, std::int64_t /*heads*/,
                 std::int64_t /*head_dim*/, std::int64_t /*half*/, const float* /*host_tables*/,
                 bool /*inverse*/, float* /*x*/) {
  refuse("rope");
}
void append_rows(DeviceQueue& /*queue*/, const AttentionSegment& /*host_segment*/, std::int64_t /*width*/,
                 const float* /*k*/, const float* /*v*/, float* /*keys*/, float* /*values*/) {
  refuse("append_rows");
}

void cross_entropy_forward(DeviceQueue& /*queue*/, std::int64_t /*rows*/, std::int64_t /*cols*/,
                           const float* /*logits*/, const std::int32_t* /*targets*/, float* /*losses*/) {
  refuse("cross_entropy_forward");
}
void cross_entropy_forward_backward(DeviceQueue& /*queue*/, std::int64_t /*rows*/, std::int64_t /*cols*/,
                                    float* /*logits*/, const std::int32_t* /*targets*/, float /*scale*/,
                                    float* /*losses*/) {
  refuse("cross_entropy_forward_backward");
}
void kl_divergence(DeviceQueue& /*queue*/, std::int64_t /*rows*/, std::int64_t /*cols*/, const float* /*p*/,
                   const float* /*q*/, float* /*out*/) {
  refuse("kl_divergence");
}
void kl_divergence_backward(DeviceQueue& /*queue*/, std::int64_t /*rows*/, std::int64_t /*cols*/,
                            const float* /*p*/, float* /*q*/, const std::int32_t* /*targets*/,
                            float /*scale*/, float* /*losses*/) {
  refuse("kl_divergence_backward");
}

void add_triangle(DeviceQueue& /*queue*/, std::int64_t /*n*/, std::int64_t /*tile*/, std::int64_t /*first*/,
                  std::int64_t /*rows*/, std::int64_t /*width*/, const float* /*product*/, double* /*sums*/) {
  refuse("a symmetric sum");
}
void add_squared(DeviceQueue& /*queue*/, std::int64_t /*rows*/, std::int64_t /*cols*/, const float* /*g*/,
                 double* /*row_sums*/, double* /*col_sums*/, double* /*all*/) {
  refuse("a sum of squared gradients");
}
void scale_by_norms(DeviceQueue& /*queue*/, std::int64_t /*rows*/, std::int64_t /*cols*/, const float* /*x*/,
                    std::int64_t /*g_cols*/, const float* /*g*/, float* /*out*/) {
  refuse("rows by the norms of others");
}

void adamw_step(DeviceQueue& /*queue*/, const AdamWRates& /*rates*/, std::int64_t /*n*/,
                const float* /*grad*/, float* /*w*/, float* /*m*/, float* /*v*/) {
  refuse("adamw");
}
void adamw_step(DeviceQueue& /*queue*/, const AdamWRates& /*rates*/, std::int64_t /*n*/,
                const float* /*grad*/, float* /*w*/, const PackedMoments& /*moments*/,
                const MomentTable& /*signed_table*/, const MomentTable& /*unsigned_table*/) {
  refuse("adamw");
}
void squared_norms(DeviceQueue& /*queue*/, const FloatRun* /*runs*/, std::int64_t /*count*/,
                   double* /*sums*/) {
  refuse("squared_norm");
}
bool all_finite(DeviceQueue& /*queue*/, std::int64_t /*n*/, const float* /*x*/) { refuse("all_finite"); }

void feedback_group(DeviceQueue& /*queue*/, const CodebookRounding& /*rounding*/,
                    const CodebookFeedback& /*feedback*/, std::int64_t /*group*/) {
  refuse("codes with feedback");
}
void feedback_wave(DeviceQueue& /*queue*/, const CodebookRounding& /*rounding*/,
                   const CodebookFeedback& /*feedback*/, const FeedbackWave& /*wave*/) {
  refuse("codes with feedback");
}
void trellis_scales(DeviceQueue& /*queue*/, const float* /*target*/, const float* /*col_weights*/,
                    const TrellisCodes& /*codes*/, float* /*room*/) {
  refuse("scales of a trellis code");
}
void trellis_tiles(DeviceQueue& /*queue*/, const float* /*target*/, const RoundingWeights& /*weights*/,
                   const TrellisCodes& /*codes*/, const TrellisFitSums& /*fit*/) {
  refuse("paths of a trellis code");
}
void trellis_refit(DeviceQueue& /*queue*/, const TrellisFitSums& /*fit*/, const TrellisCodes& /*codes*/) {
  refuse("a fit of scales");
}
void trellis_regions(DeviceQueue& /*queue*/, const TrellisFeedback& /*feedback*/,
                     const TrellisWave& /*wave*/) {
  refuse("feedback between the tiles of a trellis code");
}
void block_scales(DeviceQueue& /*queue*/, const CodebookRounding& /*rounding*/,
                  const RoundingWeights& /*weights*/, std::int64_t /*rows*/, std::int64_t /*cols*/,
                  const float* /*target*/, float* /*scales*/) {
  refuse("scales of blocks");
}
ResidualSums rounded_residual(DeviceQueue& /*queue*/, const CodebookRounding& /*rounding*/,
                              std::int64_t /*rows*/, std::int64_t /*cols*/, const float* /*w*/,
                              const float* /*target*/, const float* /*scales*/, const float* /*row_scale*/,
                              const float* /*col_scale*/, float* /*out*/) {
  refuse("a residual");
}
ResidualSums residual(DeviceQueue& /*queue*/, std::int64_t /*rows*/, std::int64_t /*cols*/,
                      const float* /*w*/, const float* /*q*/, const float* /*row_scale*/,
                      const float* /*col_scale*/, float* /*out*/) {
  refuse("a residual");
}
double sum_of_products(DeviceQueue& /*queue*/, std::int64_t /*n*/, const float* /*x*/, const float* /*y*/) {
  refuse("a sum of products");
}
void gram(DeviceQueue& /*queue*/, const GramInput& /*input*/, double* /*out*/) {
  refuse("a matrix of products");
}
void scale_sides(DeviceQueue& /*queue*/, std::int64_t /*rows*/, std::int64_t /*cols*/,
                 const float* /*by_row*/, const float* /*by_col*/, float* /*x*/) {
  refuse("factors of a matrix's sides");
}

void attention_forward(DeviceQueue& /*queue*/, const AttentionInput& /*in*/, float* /*out*/, float* /*lse*/) {
  refuse("attention_forward");
}
void attention_backward(DeviceQueue& /*queue*/, const AttentionInput& /*in*/, const float* /*out*/,
                        const float* /*lse*/, const float* /*dout*/, float* /*dq*/, float* /*dk*/,
                        float* /*dv*/) {
  refuse("attention_backward");
}
void attention_sinks_backward(DeviceQueue& /*queue*/, const AttentionShape& /*shape*/,
                              std::int64_t /*tokens*/, const float* /*sinks*/, const float* /*out*/,
                              const float* /*lse*/, const float* /*dout*/, float* /*dsinks*/) {
  refuse("attention_sinks_backward");
}
std::string attention_library(DeviceQueue& /*queue*/) { refuse("attention"); }
std::string take_attention_note(DeviceQueue& /*queue*/) { refuse("attention"); }

}  // namespace lq::backends::cuda
