#include "models/tied_embeddings.h"

#include <cstring>
#include <utility>

namespace lq {
namespace {

std::string weight_of(const TensorNames& names, Role role) { return names.module(role) + ".weight"; }

// The head's bias under the head's own name, which a model has whose head is not tied.
TensorNames with_own_bias(const CheckpointReader& reader, TensorNames names) {
  if (!names.modules.contains(Role::kHeadBias)) return names;
  const std::string head = names.module(Role::kHead);
  std::string& bias = names.modules[Role::kHeadBias];
  if (bias == head) return names;
  names.other_head_bias = head;
  if (reader.find(head + ".bias") == nullptr) return names;
  std::swap(bias, names.other_head_bias);
  names.other_head_bias_is_idle = true;
  return names;
}

}  // namespace

TensorNames names_in(const CheckpointReader& reader, const TensorNames& names) {
  const TensorNames found = with_own_bias(reader, names);
  if (names.body.empty() || reader.find(weight_of(names, Role::kEmbedding)) != nullptr) return found;
  TensorNames bare = found.without_body();
  return reader.find(weight_of(bare, Role::kEmbedding)) != nullptr ? bare : found;
}

bool shares_embeddings(const CheckpointReader& reader, const TensorNames& names, bool config_tied) {
  const TensorView* const embedding = reader.find(weight_of(names, Role::kEmbedding));
  const TensorView* const head = reader.find(weight_of(names, Role::kHead));
  if (!config_tied || embedding == nullptr || head == nullptr) return config_tied;
  return embedding->stored_type() == head->stored_type() && embedding->shape() == head->shape() &&
         std::memcmp(embedding->data, head->data, head->bytes) == 0;
}

const TensorView& embedding_tensor(const CheckpointReader& reader, const TensorNames& names, bool tied) {
  const std::string table = weight_of(names, Role::kEmbedding);
  const TensorView* const head = reader.find(weight_of(names, Role::kHead));
  return tied && head != nullptr && reader.find(table) == nullptr ? *head : reader.at(table);
}

}  // namespace lq
