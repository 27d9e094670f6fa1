#include "eval/answer_store.h"

#include <fcntl.h>
#include <unistd.h>

#include <charconv>

#include "base/error.h"

namespace lq {
namespace {

constexpr std::uint64_t kStoreLimit = std::uint64_t{1} << 32U;  // bytes

}  // namespace

AnswerStore::AnswerStore(const std::filesystem::path& path)
    : path_(path), file_(open_file(path, O_RDWR | O_CREAT | O_APPEND, "write")) {
  const std::string text = read_file(path, kStoreLimit);
  std::size_t at = 0;
  for (std::size_t end; (end = text.find('\n', at)) != std::string::npos; at = end + 1) {
    const std::string_view line(text.data() + at, end - at);
    const std::size_t tab = line.find('\t');
    std::int64_t key = 0;
    const auto [to, error] = std::from_chars(line.data(), line.data() + line.size(), key);
    LQ_CHECK(tab != std::string_view::npos && error == std::errc() && to == line.data() + tab, kCorruptFile,
             "{}: a line without a key; remove the file to begin again", path.string());
    nlohmann::json value = nlohmann::json::parse(line.substr(tab + 1), nullptr, false);
    LQ_CHECK(!value.is_discarded(), kCorruptFile,
             "{}: a line that is no JSON; remove the file to begin again", path.string());
    values_.insert_or_assign(key, std::move(value));
  }
  if (at < text.size() && ::ftruncate(file_.get(), static_cast<off_t>(at)) != 0)
    fail_errno(path, "cut", errno);
}

const nlohmann::json* AnswerStore::find(std::int64_t key) const {
  const auto it = values_.find(key);
  return it == values_.end() ? nullptr : &it->second;
}

void AnswerStore::put(std::int64_t key, nlohmann::json value) {
  const std::string line = std::to_string(key) + "\t" + value.dump() + "\n";
  write_all(file_, path_, line.data(), line.size());
  values_.insert_or_assign(key, std::move(value));
}

}  // namespace lq
