#include "eval/answer_store.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

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
    nlohmann::json line = nlohmann::json::parse(text.substr(at, end - at), nullptr, false);
    LQ_CHECK(line.is_array() && line.size() == 3 && line[0].is_number_integer() && line[1].is_string(),
             kCorruptFile, "{}: byte {}: not a kept answer; remove the file to begin again", path.string(),
             at);
    answers_.insert_or_assign(line[0].get<std::int64_t>(),
                              std::pair(line[1].get<std::string>(), std::move(line[2])));
  }
  if (at < text.size() && ::ftruncate(file_.get(), static_cast<off_t>(at)) != 0)
    fail_errno(path, "cut", errno);
}

const nlohmann::json* AnswerStore::find(std::int64_t key, const std::string& asked) const {
  const auto it = answers_.find(key);
  return it == answers_.end() || it->second.first != asked ? nullptr : &it->second.second;
}

void AnswerStore::put(std::int64_t key, const std::string& asked, nlohmann::json answer) {
  const std::string line = nlohmann::json::array({key, asked, answer}).dump() + "\n";
  write_all(file_, path_, line.data(), line.size());
  answers_.insert_or_assign(key, std::pair(asked, std::move(answer)));
}

}  // namespace lq
