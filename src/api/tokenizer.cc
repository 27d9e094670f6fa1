#include "lqlora/tokenizer.h"

#include "api/tokenizer_impl.h"
#include "files/path_access.h"
#include "formats/model_folder.h"

namespace lqlora {

Tokenizer Tokenizer::load(const std::filesystem::path& path) {
  lq::check_readable(path);
  return lq::with_io_errors(
      [&] { return Tokenizer(std::make_shared<Impl>(Impl{lq::Tokenizer::load(lq::model_folder(path))})); });
}

std::vector<std::int32_t> Tokenizer::encode(std::string_view text, bool add_special) const {
  return impl_->tokenizer->encode(text, add_special);
}

std::string Tokenizer::decode(std::span<const std::int32_t> ids, bool skip_special) const {
  return impl_->tokenizer->decode(ids, skip_special);
}

std::int32_t Tokenizer::vocab_size() const { return impl_->tokenizer->vocab_size(); }
std::string Tokenizer::piece(std::int32_t id) const { return impl_->tokenizer->piece(id); }
std::optional<std::int32_t> Tokenizer::bos() const { return impl_->tokenizer->bos_id(); }
std::optional<std::int32_t> Tokenizer::eos() const { return impl_->tokenizer->eos_id(); }

}  // namespace lqlora
