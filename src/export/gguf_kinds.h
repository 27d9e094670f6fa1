// The kinds of models that are written as GGUF, a row for each family: what llama.cpp computes for a kind,
// and the keys that say it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "formats/gguf/gguf_writer.h"
#include "models/model_spec.h"

namespace lq {

// Keys that begin with the kind's name.
class GgufKindKeys {
 public:
  GgufKindKeys(GgufKeys& keys, std::string_view kind) : keys_(keys), kind_(kind) {}
  void size(std::string_view name, std::int64_t value);
  void number(std::string_view name, double value);
  void text(std::string_view name, std::string_view value);
  void flag(std::string_view name, bool value);
  void flags(std::string_view name, const std::vector<bool>& values);

 private:
  std::string key(std::string_view name) const;

  GgufKeys& keys_;
  std::string kind_;
};

struct GgufWrittenKind {
  std::string_view model_type;  // of the family
  std::string_view kind;        // general.architecture
  // The model that llama.cpp computes from a file of this one: equal to it, or it cannot be written.
  ModelSpec (*computed)(const ModelSpec& spec) = nullptr;
  std::vector<RopeType> ropes = {};  // of the rotation of most layers, that the kind has keys for
  bool permuted = false;             // q and k have llama.cpp's order of rows
  bool norms_plus_one = false;       // norms are written as 1 + w
  // Keys beyond those of all kinds. Null: none.
  void (*add_keys)(const ModelSpec& spec, GgufKindKeys& keys) = nullptr;
  bool encoder = false;  // norms, token types and pooling as BERT has them
};

const std::vector<GgufWrittenKind>& gguf_written_kinds();

}  // namespace lq
