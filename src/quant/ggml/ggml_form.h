// ggml's types as forms in which elements are stored (tensor/tensor_view.h).
#pragma once

#include "quant/ggml/ggml_type.h"
#include "tensor/tensor_view.h"

namespace lq::ggml {

// Of elements in the tensor's own order. Lives as long as the program. REQUIRES: no integer type.
const StoredForm& stored_form(GgmlType type);

}  // namespace lq::ggml
