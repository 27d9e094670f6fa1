// What config.json a GGUF file of one kind becomes; the file has zeros in its tensors.
#pragma once

#include <initializer_list>
#include <string>
#include <vector>

#include "formats/gguf/gguf_config.h"
#include "formats/gguf/gguf_test_file.h"
#include "support/io_test_util.h"

namespace lq::gguf_test {

// hidden 16, 2 heads of 8, inner 12, 4 blocks, 64 positions.
class KindFile {
 public:
  explicit KindFile(std::string kind) : kind_(std::move(kind)) {
    keys_.text("general.architecture", kind_);
    for (const auto& [name, value] :
         std::initializer_list<std::pair<const char*, std::uint32_t>>{{"block_count", 4},
                                                                      {"context_length", 64},
                                                                      {"embedding_length", 16},
                                                                      {"feed_forward_length", 12},
                                                                      {"attention.head_count", 2}}) {
      u32(name, value);
    }
    specs_ = {{"token_embd.weight", ggml::GgmlType::kF32, {5, 16}}};
    if (kind_ != "gpt2" && kind_ != "bert") f32("attention.layer_norm_rms_epsilon", 1e-5F);
  }
  KindFile& u32(const std::string& name, std::uint32_t value) {
    keys_.u32(key(name), value);
    return *this;
  }
  KindFile& f32(const std::string& name, float value) {
    keys_.f32(key(name), value);
    return *this;
  }
  KindFile& flag(const std::string& name, bool value) {
    keys_.flag(key(name), value);
    return *this;
  }
  KindFile& flags(const std::string& name, const std::vector<bool>& values) {
    keys_.flags(key(name), values);
    return *this;
  }
  KindFile& text(const std::string& name, const std::string& value) {
    keys_.text(key(name), value);
    return *this;
  }
  KindFile& tensor(const std::string& name, Shape shape) {
    specs_.push_back({name, ggml::GgmlType::kF32, std::move(shape)});
    return *this;
  }
  GgufConfig config() const {
    write_zeros(dir_ / "m.gguf", keys_, specs_);
    const GgufFile file(dir_ / "m.gguf");
    return gguf_config(file, GgufMetadata(file.values(), file.who()));
  }
  void expect_refused(ErrorCode code, std::initializer_list<std::string_view> words) const {
    io_test::expect_error(code, words, [&] { (void)config(); });
  }

 private:
  std::string key(const std::string& name) const { return kind_ + "." + name; }

  io_test::TempDir dir_;
  std::string kind_;
  GgufKeys keys_;
  std::vector<GgufSpec> specs_;
};

}  // namespace lq::gguf_test
