// JSON settings from outside: config.json through its typed getters, and adapter_config.json with its
// patterns. An Error is the only way out; what is accepted must come back the same from what we write.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/error.h"
#include "files/json_object.h"
#include "formats/peft_config.h"

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

// Runs one getter; the value's own promise is checked by the caller's body.
template <typename Body>
void attempt(const Body& body) {
  try {
    body();
  } catch (const lq::Error&) {
  }
}

void read_config(const lq::JsonObject& config, int depth) {
  for (const auto& [key, value] : config.json().items()) {
    const std::string& name = key;
    attempt([&] {
      const auto n = config.integer(name);
      require(n >= 1 && n <= std::int64_t{1} << 40);
    });
    attempt([&] { require(std::isfinite(config.number(name))); });
    attempt([&] { (void)config.boolean(name); });
    attempt([&] { (void)config.text(name); });
    attempt([&] { (void)config.texts(name); });
    attempt([&] {
      for (const auto n : config.integers(name, -5, 5)) require(n >= -5 && n <= 5);
    });
    if (depth < 3) attempt([&] { read_config(config.section(name), depth + 1); });
  }
}

void read_adapter(std::string_view text) {
  const auto config = lq::PeftConfig::parse(text, "fuzz");
  for (const char* module : {"model.layers.0.self_attn.q_proj", "score", ""}) {
    attempt([&] { require(config.rank_of(module) >= 1); });
    attempt([&] { require(std::isfinite(config.scaling_of(module))); });
    attempt([&] { (void)config.targets(module); });
  }
  const std::string written = config.to_json().dump();
  require(lq::PeftConfig::parse(written, "fuzz").to_json().dump() == written);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  attempt([&] { read_config(lq::JsonObject::parse(text, "fuzz"), 0); });
  attempt([&] { read_adapter(text); });
  return 0;
}
