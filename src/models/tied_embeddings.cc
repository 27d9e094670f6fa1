#include "models/tied_embeddings.h"

#include <cstring>

namespace lq {
namespace {

std::string weight_of(const TensorNames& names, Role role) { return names.module(role) + ".weight"; }

}  // namespace

TensorNames names_in(const CheckpointReader& reader, const TensorNames& names) {
  if (names.body.empty() || reader.find(weight_of(names, Role::kEmbedding)) != nullptr) return names;
  TensorNames bare = names.without_body();
  return reader.find(weight_of(bare, Role::kEmbedding)) != nullptr ? bare : names;
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
