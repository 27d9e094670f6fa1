// A GGUF file from outside: whatever is accepted must lie in the file, and every key must be readable or
// refused with an Error; what it says of a tokenizer becomes files that parse, or an Error.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "base/error.h"
#include "files/json_file.h"
#include "formats/gguf/gguf_header.h"
#include "formats/gguf/gguf_metadata.h"
#include "formats/gguf/gguf_tokenizer.h"

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

void read_every_way(const lq::GgufMetadata& keys, const std::string& key) {
  const auto attempt = [&](auto&& read) {
    try {
      read();
    } catch (const lq::Error&) {
      return;
    }
  };
  attempt([&] { (void)keys.integer(key, INT64_MIN, INT64_MAX); });
  attempt([&] { (void)keys.common_integer(key, INT64_MIN, INT64_MAX); });
  attempt([&] { (void)keys.number(key, -1e300, 1e300); });
  attempt([&] { (void)keys.boolean_or(key, false); });
  attempt([&] { (void)keys.text(key); });
  attempt([&] { (void)keys.texts(key); });
  attempt([&] { (void)keys.floats(key); });
  attempt([&] { (void)keys.integers(key); });
  attempt([&] { (void)keys.bytes(key); });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  lq::GgufHeader header;
  try {
    header = lq::parse_gguf(reinterpret_cast<const std::byte*>(data), size, "fuzz");
  } catch (const lq::Error&) {
    return 0;
  }
  for (const lq::GgufTensor& tensor : header.tensors) {
    require(header.data_begin + tensor.offset + tensor.bytes <= size);
    require(lq::checked_numel(tensor.shape, tensor.name) > 0);
  }
  const lq::GgufMetadata keys(header.values, "fuzz");
  for (const lq::GgufValue& value : header.values) {
    require(lq::GgufMetadata::shown(value, 20).size() < 1000);
    read_every_way(keys, value.key);
  }
  try {
    for (const auto& [name, text] : lq::gguf_side_texts(lq::GgufMetadata(header.values, "fuzz"))) {
      if (name.ends_with(".json")) (void)lq::parse_json(text, name);
    }
  } catch (const lq::Error&) {
    return 0;
  }
  return 0;
}
