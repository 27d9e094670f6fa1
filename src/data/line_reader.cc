#include "data/line_reader.h"

#include "base/error.h"
#include "files/compressed.h"
#include "files/text_check.h"

namespace lq {
namespace {

constexpr std::size_t kMaxLine = std::size_t{1} << 30;
constexpr std::string_view kMark = "\xEF\xBB\xBF";

}  // namespace

struct LineReader::Impl {
  std::string name;
  std::unique_ptr<ByteSource> source;
  std::string head;
  std::string_view left;  // read, but not given out yet
  std::int64_t line = 0;
  std::string_view line_end;

  Impl(std::unique_ptr<ByteSource> bytes, std::string its_name)
      : name(std::move(its_name)), source(std::move(bytes)), head(take_head(*source, kTextHead)) {
    check_is_text(head, name);
    if (head.starts_with(kMark)) head.erase(0, kMark.size());
    left = head;
  }

  bool refill() {
    left = source->next();
    return !left.empty();
  }
};

LineReader::LineReader(const std::filesystem::path& path)
    : impl_(std::make_unique<Impl>(open_bytes(path), path.string())) {}
LineReader::LineReader(std::string_view bytes, std::string name)
    : impl_(std::make_unique<Impl>(bytes_in_memory(bytes), std::move(name))) {}

LineReader::~LineReader() = default;
LineReader::LineReader(LineReader&&) noexcept = default;
LineReader& LineReader::operator=(LineReader&&) noexcept = default;

std::string_view LineReader::head() const { return std::string_view(impl_->head).substr(0, kTextHead); }

bool LineReader::next(std::string& line) {
  line.clear();
  bool any = false;
  impl_->line_end = "";
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
    impl_->line_end = "\n";
    break;
  }
  if (!any) return false;
  ++impl_->line;
  if (line.ends_with('\r')) {
    line.pop_back();
    if (!impl_->line_end.empty()) impl_->line_end = "\r\n";
  }
  return true;
}

std::string LineReader::rest() {
  std::string out;
  do {
    out.append(impl_->left);
    LQ_CHECK(out.size() <= kMaxLine * 8, kUnsupported, "{}: more than {} bytes in one piece", impl_->name,
             kMaxLine * 8);
    impl_->left = {};
  } while (impl_->refill());
  return out;
}

std::string_view LineReader::line_end() const { return impl_->line_end; }
std::int64_t LineReader::line_number() const { return impl_->line; }
const std::string& LineReader::name() const { return impl_->name; }
std::string LineReader::place() const { return fmt::format("{}:{}", impl_->name, impl_->line); }

}  // namespace lq
