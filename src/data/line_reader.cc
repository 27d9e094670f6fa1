#include "data/line_reader.h"

#include <zlib.h>

#include <cstring>
#include <vector>

#include "base/error.h"

namespace lq {
namespace {

constexpr std::size_t kMaxLine = std::size_t{1} << 30;
constexpr std::size_t kBuffer = 1 << 17;

}  // namespace

struct LineReader::Impl {
  std::string name;
  gzFile file = nullptr;  // nullptr: bytes in memory
  std::vector<char> buffer;
  std::string_view left;  // read, but not given out yet
  std::int64_t line = 0;
  bool fresh = true;  // nothing given out yet

  ~Impl() {
    if (file != nullptr) gzclose(file);
  }

  bool refill() {
    if (file == nullptr) return false;
    const int n = gzread(file, buffer.data(), static_cast<unsigned>(buffer.size()));
    int code = Z_OK;
    const char* message = gzerror(file, &code);
    // Z_BUF_ERROR after a read: the gzip stream ends in the middle.
    LQ_CHECK(n >= 0 && code != Z_DATA_ERROR && code != Z_BUF_ERROR, kCorruptFile,
             "{}: damaged or cut off gzip data: {}", name, message);
    left = {buffer.data(), static_cast<std::size_t>(n)};
    return n > 0;
  }

  void drop_mark() {
    if (fresh && left.empty()) refill();
    if (fresh && left.starts_with("\xEF\xBB\xBF")) left.remove_prefix(3);
    fresh = false;
  }
};

LineReader::LineReader(const std::filesystem::path& path) : impl_(std::make_unique<Impl>()) {
  impl_->name = path.string();
  std::error_code ec;
  LQ_CHECK(std::filesystem::exists(path, ec), kNotFound, "{}: no such file", impl_->name);
  LQ_CHECK(!std::filesystem::is_directory(path, ec), kInvalidArgument,
           "{}: a folder, where a file is expected", impl_->name);
  impl_->file = gzopen(path.c_str(), "rb");
  LQ_CHECK(impl_->file != nullptr, kIo, "{}: cannot be opened: {}", impl_->name, std::strerror(errno));
  impl_->buffer.resize(kBuffer);
}

LineReader::LineReader(std::string_view bytes, std::string name) : impl_(std::make_unique<Impl>()) {
  impl_->name = std::move(name);
  impl_->left = bytes;
}

LineReader::~LineReader() = default;
LineReader::LineReader(LineReader&&) noexcept = default;
LineReader& LineReader::operator=(LineReader&&) noexcept = default;

bool LineReader::next(std::string& line) {
  line.clear();
  impl_->drop_mark();
  bool any = false;
  while (true) {
    if (impl_->left.empty() && !impl_->refill()) break;
    any = true;
    const std::size_t end = impl_->left.find('\n');
    line.append(impl_->left.substr(0, end));
    LQ_CHECK(line.size() <= kMaxLine, kUnsupported, "{}:{}: a line of more than {} bytes", impl_->name,
             impl_->line + 1, kMaxLine);
    if (end == std::string_view::npos) {
      impl_->left = {};
      continue;
    }
    impl_->left.remove_prefix(end + 1);
    break;
  }
  if (!any) return false;
  ++impl_->line;
  if (line.ends_with('\r')) line.pop_back();
  return true;
}

std::string LineReader::rest() {
  impl_->drop_mark();
  std::string out;
  do {
    out.append(impl_->left);
    LQ_CHECK(out.size() <= kMaxLine * 8, kUnsupported, "{}: more than {} bytes in one piece", impl_->name,
             kMaxLine * 8);
    impl_->left = {};
  } while (impl_->refill());
  return out;
}

std::int64_t LineReader::line_number() const { return impl_->line; }
const std::string& LineReader::name() const { return impl_->name; }
std::string LineReader::place() const { return fmt::format("{}:{}", impl_->name, impl_->line); }

}  // namespace lq
