#include "calibrate/calibration_windows.h"

#include <algorithm>
#include <cmath>

#include "base/option_error.h"
#include "data/batch.h"
#include "data/document_reader.h"
#include "data/mask_tokens.h"

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
  // Each gets an equal share of what those before it left.
  std::int64_t files = std::ssize(o.data);
  for (const std::filesystem::path& path : o.data) {
    const std::int64_t before = std::ssize(ids);
    const std::int64_t limit = before + (wanted - before) / files--;
    DocumentReader reader(path, options);
    Document document;
    while (std::ssize(ids) < limit && reader.next(document)) {
      ctx.stop.check();
      const std::string text = (ids.empty() ? "" : "\n\n") + document.text;
      const auto room = static_cast<std::size_t>((limit - std::ssize(ids)) * kBytesPerToken);
      const std::vector<std::int32_t> more = tokenizer.encode(head_of(text, room), false);
      ids.insert(ids.end(), more.begin(), more.end());
    }
    if (std::ssize(ids) < limit) continue;
    if (o.data.size() > 1) ids.resize(static_cast<std::size_t>(limit));
    ctx.progress.note(fmt::format(
        "calibrate: {}: {} tokens are read from its beginning, as windows are cut from {} times as "
        "many as they have",
        path.string(), std::ssize(ids) - before, kReadTimes));
  }
  for (const std::string& line : report.lines()) ctx.progress.note("data: " + line);
  return ids;
}

// What stands before and behind the text of each window.
struct WindowEnds {
  std::vector<std::int32_t> before, after;
  std::int64_t size() const { return std::ssize(before) + std::ssize(after); }
};

// Which of n windows are held out: as many as hold_out says, spread evenly.
std::vector<bool> held_out_of(std::int64_t n, double hold_out, std::int64_t& count) {
  count = 0;
  if (n > 1 && hold_out > 0.0) {
    count = std::clamp<std::int64_t>(std::llround(static_cast<double>(n) * hold_out), 1, n - 1);
  }
  std::vector<bool> held(static_cast<std::size_t>(n), false);
  for (std::int64_t j = 0; j < count; ++j) {
    held[static_cast<std::size_t>((2 * j + 1) * n / (2 * count))] = true;
  }
  return held;
}

void check_windows(std::int64_t seq_len, double hold_out) {
  check_option(seq_len >= 2, "seq-len", "is {}, but must be at least 2 (a window of one predicts nothing)",
               seq_len);
  check_option(hold_out >= 0.0 && hold_out <= 0.9, "hold-out", "is {}, but must be 0 to 0.9", hold_out);
}

CalibrationWindows text_windows(Context& ctx, const Tokenizer& tokenizer, const WindowOptions& o,
                                const WindowEnds& ends) {
  check_windows(o.seq_len, o.hold_out);
  check_option(o.samples >= 1, "samples", "is {}, but must be at least 1", o.samples);
  check_option(!o.data.empty(), "data", "names no text to calibrate on");
  const std::int64_t step = o.seq_len - ends.size();
  check_option(step >= 1, "seq-len", "is {}, which leaves no room beside {} special tokens", o.seq_len,
               ends.size());
  LQ_CHECK(o.samples <= (std::int64_t{1} << 40) / step, kInvalidArgument,
           "[calibrate] {} windows of {} tokens are more than can be", o.samples, o.seq_len);
  const std::vector<std::int32_t> ids = read_ids(ctx, tokenizer, o, kReadTimes * o.samples * step);
  const std::int64_t windows = std::ssize(ids) / step;
  LQ_CHECK(windows > 0, kInvalidArgument,
           "[calibrate] {}{}: {} tokens of text are too short for one window of {} (`seq-len`{})",
           o.data.front().string(), o.data.size() > 1 ? " and others" : "", ids.size(), o.seq_len,
           ends.size() == 0     ? ""
           : ends.after.empty() ? ", BOS included"
                                : ", special tokens included");

  const std::int64_t n = std::min(o.samples, windows);
  CalibrationWindows w;
  w.seq_len = o.seq_len;
  const std::vector<bool> held = held_out_of(n, o.hold_out, w.held_out);
  for (const bool part : {false, true}) {
    for (std::int64_t i = 0; i < n; ++i) {
      if (held[static_cast<std::size_t>(i)] != part) continue;
      const std::int64_t number = i * windows / n;
      w.numbers.push_back(number);
      w.ids.insert(w.ids.end(), ends.before.begin(), ends.before.end());
      const auto from = ids.begin() + number * step;
      w.ids.insert(w.ids.end(), from, from + step);
      w.ids.insert(w.ids.end(), ends.after.begin(), ends.after.end());
    }
  }
  return w;
}

}  // namespace

std::int64_t CalibrationWindows::predicted() const {
  if (labelled()) return summed();
  if (targets.empty()) return summed() * (seq_len - 1);
  const auto end = targets.begin() + start(summed());
  return std::count_if(targets.begin(), end, [](std::int32_t t) { return t != kNoTarget; });
}

void CalibrationWindows::fill(std::span<const std::int32_t> sequences) {
  LQ_ASSERT(starts.empty() && std::ssize(sequences) == count() * seq_len);
  ids.clear();
  for (const std::int64_t number : numbers) {
    const auto one =
        sequences.subspan(static_cast<std::size_t>(number * seq_len), static_cast<std::size_t>(seq_len));
    ids.insert(ids.end(), one.begin(), one.end());
  }
}

CalibrationWindows calibration_windows(Context& ctx, const Tokenizer& tokenizer, const WindowOptions& o) {
  WindowEnds ends;
  if (tokenizer.special().add_bos && tokenizer.bos_id()) ends.before = {*tokenizer.bos_id()};
  return text_windows(ctx, tokenizer, o, ends);
}

CalibrationWindows masked_windows(Context& ctx, const Tokenizer& tokenizer, const WindowOptions& o,
                                  std::int64_t vocab) {
  auto mask = tokenizer.id_of("[MASK]");
  if (!mask) mask = tokenizer.id_of("<mask>");
  LQ_CHECK(mask, kNotFound, "[calibrate] the tokenizer ({}) has no mask token ([MASK] or <mask>)",
           tokenizer.kind());
  WindowEnds ends;
  bool behind = false;
  for (const tokenizers::TextPart& part : tokenizer.single_parts()) {
    if (part.text < 0) (behind ? ends.after : ends.before).push_back(part.id);
    behind = behind || part.text >= 0;
  }
  CalibrationWindows w = text_windows(ctx, tokenizer, o, ends);
  std::vector<std::uint8_t> may(w.ids.size(), 1);
  for (std::int64_t i = 0; i < w.count(); ++i) {
    const auto first = may.begin() + w.start(i), last = may.begin() + w.start(i + 1);
    std::fill(first, first + std::ssize(ends.before), std::uint8_t{0});
    std::fill(last - std::ssize(ends.after), last, std::uint8_t{0});
  }
  const std::int64_t most = std::min<std::int64_t>(vocab, tokenizer.vocab_size());
  MaskedTokens masked =
      mask_tokens(w.ids, may, {.mask = *mask, .vocab = static_cast<std::int32_t>(most), .seed = ctx.seed});
  w.ids = std::move(masked.ids);
  w.targets = std::move(masked.targets);
  LQ_CHECK(w.predicted() > 0, kInvalidArgument,
           "[calibrate] none of {} tokens was chosen to be hidden: the text is too short", w.ids.size());
  return w;
}

CalibrationWindows self_windows(std::int64_t n, std::int64_t seq_len, double hold_out) {
  check_windows(seq_len, hold_out);
  CalibrationWindows w;
  w.seq_len = seq_len;
  const std::vector<bool> held = held_out_of(n, hold_out, w.held_out);
  for (const bool part : {false, true}) {
    for (std::int64_t i = 0; i < n; ++i) {
      if (held[static_cast<std::size_t>(i)] == part) w.numbers.push_back(i);
    }
  }
  return w;
}

CalibrationWindows task_windows(const TaskSequences& task, std::int64_t samples, double hold_out) {
  check_option(samples >= 1, "samples", "is {}, but must be at least 1", samples);
  check_option(hold_out >= 0.0 && hold_out <= 0.9, "hold-out", "is {}, but must be 0 to 0.9", hold_out);
  const std::int64_t all = std::ssize(task.examples);
  LQ_CHECK(all > 0, kInvalidArgument, "[calibrate] the task has no examples");
  const std::int64_t n = std::min(samples, all);
  CalibrationWindows w;
  const std::vector<bool> held = held_out_of(n, hold_out, w.held_out);
  for (const bool part : {false, true}) {
    for (std::int64_t i = 0; i < n; ++i) {
      if (held[static_cast<std::size_t>(i)] != part) continue;
      const EncodedExample& e = task.examples[static_cast<std::size_t>(i * all / n)];
      w.numbers.push_back(i * all / n);
      w.starts.push_back(std::ssize(w.ids));
      w.ids.insert(w.ids.end(), e.ids.begin(), e.ids.end());
      w.types.insert(w.types.end(), e.types.begin(), e.types.end());
      w.types.resize(w.ids.size(), 0);
      w.labels.push_back(e.label.value());
      w.seq_len = std::max(w.seq_len, std::ssize(e.ids));
    }
  }
  w.starts.push_back(std::ssize(w.ids));
  return w;
}

}  // namespace lq
