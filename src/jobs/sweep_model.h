// The error table of a model: error and storage of every selected matrix at every configuration
// (docs/method.md, "Which bits for which matrix"). One matrix after the other; each is kept in a store when
// it is done, so that a killed sweep goes on.
#pragma once

#include <string>
#include <vector>

#include "allocate/error_table.h"
#include "decompose/sweep.h"
#include "formats/work_store.h"
#include "jobs/matrix_importance.h"
#include "jobs/select_matrices.h"
#include "quant/format_set.h"

namespace lq {

struct SweepModelOptions {
  MatrixSelection selection;
  FormatSet formats = {};  // which name the choices in the table
  std::vector<QuantChoice> configs = formats.choices(ChoiceSet::kAll);
  SweepOptions sweep;  // rank, quantizer; its importance and random stream are set per matrix
  // Ranks that are part of the choice, rising; sweep.rank is then not used. Empty: sweep.rank for all.
  std::vector<std::int64_t> ranks;
  int factor_bits = 32;       // of one number of L1 or L2, counted where there are `ranks`
  std::string method = "lq";  // name in the table: "lq", or "qlora" for rank 0
  // Errors over the mean square of the matrix's weights: what a weight's noise is beside the weight. Where
  // nothing says what matters, absolute errors give small weights next to no bits, and a model of real sizes
  // does not bear that.
  bool relative = false;
  const MatrixImportance* importance;  // borrowed
};

// `store` belongs to this model and these options: the caller sees to that. Whatever it holds of them is not
// computed again; a damaged piece is. Throws Error(kInvalidArgument) for a rank above a matrix's size or a
// NaN in a weight (both naming it), Error(kInterrupted), and what the readers throw. The same numbers on any
// number of threads. With `ranks` the table's choices are all configurations at the first rank, then at the
// second, and so on. Where sweeps_diagonals(), the table's weights are "kfac, diagonal" or "input, diagonal".
ErrorTable sweep_model(Context& context, const CheckpointReader& reader, const std::string& model_hash,
                       const SweepModelOptions& options, const WorkStore& store);

// What an error of w is divided by where SweepModelOptions::relative asks for it: the mean square of its
// weights, or 1 where that is zero.
double relative_error_unit(Context& context, const Tensor& w);

// Whether errors of these matrices are swept in MatrixImportance::diagonal_of(): where one of them is large,
// for all, as errors in different norms cannot be compared.
bool sweeps_diagonals(const std::vector<const TensorView*>& selected, const MatrixImportance& weights);

}  // namespace lq
