#include "calibrate/calibration_windows.h"

#include <algorithm>
#include <cmath>

#include "base/option_error.h"
#include "data/document_reader.h"

namespace lq {
namespace {

constexpr std::int64_t kReadTimes = 16;
// No tokenizer of ours makes tokens that are longer on average over a whole text.
constexpr std::int64_t kBytesPerToken = 16;

// At most `limit` bytes, not cutting a UTF-8 character.
std::string_view head_of(std::string_view text, std::size_t limit) {
  if (text.size() <= limit) return text;
  while (limit > 0 && (static_cast<unsigned char>(text[limit]) & 0xc0U) == 0x80U) --limit;
  return text.substr(0, limit);
}

std::vector<std::int32_t> read_ids(Context& ctx, const Tokenizer& tokenizer, const WindowOptions& o,
                                   std::int64_t wanted) {
  std::vector<std::int32_t> ids;
  DocumentOptions options;
  options.field = o.field;
  DataReport report;
  options.records.report = &report;
  for (const std::filesystem::path& path : o.data) {
    DocumentReader reader(path, options);
    Document document;
    while (std::ssize(ids) < wanted && reader.next(document)) {
      ctx.stop.check();
      const std::string text = (ids.empty() ? "" : "\n\n") + document.text;
      const auto room = static_cast<std::size_t>((wanted - std::ssize(ids)) * kBytesPerToken);
      const std::vector<std::int32_t> more = tokenizer.encode(head_of(text, room), false);
      ids.insert(ids.end(), more.begin(), more.end());
    }
  }
  for (const std::string& line : report.lines()) ctx.progress.note("data: " + line);
  return ids;
}

}  // namespace

CalibrationWindows calibration_windows(Context& ctx, const Tokenizer& tokenizer, const WindowOptions& o) {
  check_option(o.seq_len >= 2, "seq-len", "is {}, but must be at least 2 (a window of one predicts nothing)",
               o.seq_len);
  check_option(o.samples >= 1, "samples", "is {}, but must be at least 1", o.samples);
  check_option(o.hold_out >= 0.0 && o.hold_out <= 0.9, "hold-out", "is {}, but must be 0 to 0.9", o.hold_out);
  check_option(!o.data.empty(), "data", "names no text to calibrate on");
  const bool bos = tokenizer.special().add_bos && tokenizer.bos_id().has_value();
  const std::int64_t step = o.seq_len - (bos ? 1 : 0);
  LQ_CHECK(o.samples <= (std::int64_t{1} << 40) / step, kInvalidArgument,
           "[calibrate] {} windows of {} tokens are more than can be", o.samples, o.seq_len);
  const std::vector<std::int32_t> ids = read_ids(ctx, tokenizer, o, kReadTimes * o.samples * step);
  const std::int64_t windows = std::ssize(ids) / step;
  LQ_CHECK(windows > 0, kInvalidArgument,
           "[calibrate] {}{}: {} tokens of text are too short for one window of {} (`seq-len`{})",
           o.data.front().string(), o.data.size() > 1 ? " and others" : "", ids.size(), o.seq_len,
           bos ? ", BOS included" : "");

  const std::int64_t n = std::min(o.samples, windows);
  CalibrationWindows w;
  w.seq_len = o.seq_len;
  if (n > 1 && o.hold_out > 0.0) {
    w.held_out = std::clamp<std::int64_t>(std::llround(static_cast<double>(n) * o.hold_out), 1, n - 1);
  }
  std::vector<bool> held(static_cast<std::size_t>(n), false);
  for (std::int64_t j = 0; j < w.held_out; ++j) {
    held[static_cast<std::size_t>((2 * j + 1) * n / (2 * w.held_out))] = true;
  }
  for (const bool part : {false, true}) {
    for (std::int64_t i = 0; i < n; ++i) {
      if (held[static_cast<std::size_t>(i)] != part) continue;
      const std::int64_t number = i * windows / n;
      w.numbers.push_back(number);
      if (bos) w.ids.push_back(*tokenizer.bos_id());
      const auto from = ids.begin() + number * step;
      w.ids.insert(w.ids.end(), from, from + step);
    }
  }
  return w;
}

}  // namespace lq
