#include "calibrate/calibration_stats.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <set>

#include "base/error.h"
#include "files/json_file.h"
#include "formats/module_name.h"

namespace lq {
namespace {

const std::string& text_of(const SafetensorsReader& reader, const std::string& key) {
  const auto it = reader.metadata().find(key);
  LQ_CHECK(it != reader.metadata().end(), kCorruptFile, "[stats] {}: the metadata lack \"{}\"",
           reader.path().string(), key);
  return it->second;
}

template <typename T>
T number_of(const SafetensorsReader& reader, const std::string& key) {
  const std::string& text = text_of(reader, key);
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool good = error == std::errc() && end == text.data() + text.size() && value >= T{} &&
                    std::isfinite(static_cast<double>(value));
  LQ_CHECK(good, kCorruptFile, "[stats] {}: metadata \"{}\" is \"{}\", not a number >= 0",
           reader.path().string(), key, text);
  return value;
}

bool is_hash(const std::string& text) {
  return text.size() == 32 && text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

}  // namespace

CalibrationStats CalibrationStats::open(const std::filesystem::path& path) {
  CalibrationStats stats{SafetensorsReader(path)};
  stats.read_metadata();
  stats.check_tensors();
  return stats;
}

void CalibrationStats::read_metadata() {
  const Metadata& metadata = reader_.metadata();
  const auto format = metadata.find("format");
  LQ_CHECK(
      format != metadata.end() && format->second == kStatsFormat, kUnsupported,
      "[stats] {}: no statistics file: metadata \"format\" is {} (expected \"{}\", as `lqlora calibrate` "
      "writes it)",
      path().string(), format == metadata.end() ? "missing" : "\"" + format->second + "\"", kStatsFormat);
  LQ_CHECK(text_of(reader_, "version") == std::to_string(kStatsVersion), kUnsupported,
           "[stats] {}: version {} of the format (this program reads {})", path().string(),
           text_of(reader_, "version"), kStatsVersion);
  model_hash_ = text_of(reader_, "model_hash");
  job_hash_ = text_of(reader_, "job");
  if (metadata.contains("config_hash")) config_hash_ = text_of(reader_, "config_hash");
  for (const std::string& hash : {model_hash_, job_hash_}) {
    LQ_CHECK(is_hash(hash), kCorruptFile, "[stats] {}: \"{}\" is no hash of 32 hexadecimal digits",
             path().string(), hash);
  }
  sequences_ = number_of<std::int64_t>(reader_, "sequences");
  held_out_ = number_of<std::int64_t>(reader_, "held_out_sequences");
  tokens_ = number_of<std::int64_t>(reader_, "tokens");
  seq_len_ = number_of<std::int64_t>(reader_, "seq_len");
  mean_loss_ = number_of<double>(reader_, "mean_loss");
  const std::string who = "[stats] " + path().string();
  modules_ = stats_modules_from_text(text_of(reader_, "modules"), who);
  const nlohmann::json silent = parse_json(text_of(reader_, "silent"), who);
  LQ_CHECK(silent.is_array(), kCorruptFile, "{}: \"silent\" is no JSON list", who);
  for (const auto& module : silent) {
    LQ_CHECK(module.is_string() && has(module.get<std::string>()), kCorruptFile,
             "{}: \"silent\" holds what is no module of \"modules\"", who);
    silent_.push_back(module.get<std::string>());
  }
}

void CalibrationStats::check_tensors() const {
  std::set<std::string, std::less<>> known;
  const auto expect = [&](const std::string& module, std::string_view what, const Shape& shape) {
    const std::string name = module + std::string(what);
    const TensorView* view = reader_.find(name);
    if (view == nullptr) return false;
    LQ_CHECK(view->dtype() == DType::kF32 && view->shape() == shape, kCorruptFile,
             "[stats] {}: {} is {} {} (expected F32 {})", path().string(), name, dtype_name(view->dtype()),
             shape_text(view->shape()), shape_text(shape));
    known.insert(name);
    return true;
  };
  for (const auto& [name, m] : modules_) {
    const bool rows = expect(name, kFisherRows, {m.rows});
    const bool cols = expect(name, kFisherCols, {m.cols});
    LQ_CHECK(rows == cols, kCorruptFile, "[stats] {}: {} has only one of fisher_rows and fisher_cols",
             path().string(), name);
    expect(name, kFisher, {m.rows, m.cols});
    expect(name, kOutputGradMoment, {m.rows, m.rows});
    expect(name, kWeightedInputMoment, {m.cols, m.cols});
    if (m.input != name) continue;
    expect(name, kInputMoment, {m.cols, m.cols});
    expect(name, kInputMomentHeldOut, {m.cols, m.cols});
  }
  for (const TensorView& view : reader_.tensors()) {
    LQ_CHECK(known.contains(view.name()), kCorruptFile,
             "[stats] {}: {} belongs to no module of the metadata's \"modules\"", path().string(),
             view.name());
  }
}

void CalibrationStats::check_model(std::string_view model_hash, std::string_view config_hash) const {
  LQ_CHECK(model_hash == model_hash_, kMismatch,
           "[stats] {} holds the statistics of model {}, but this model is {}", path().string(), model_hash_,
           model_hash);
  LQ_CHECK(
      has_config(config_hash), kMismatch,
      "[stats] {}: the model's config.json has changed since these statistics were gathered: gather them "
      "again",
      path().string());
}

bool CalibrationStats::has(std::string_view module) const { return modules_.contains(module_of(module)); }

const StatsModule& CalibrationStats::at(std::string_view module) const {
  const auto it = modules_.find(module_of(module));
  LQ_CHECK(it != modules_.end(), kNotFound, "[stats] {}: there are no statistics of {}", path().string(),
           module_of(module));
  return it->second;
}

void CalibrationStats::check_shape(std::string_view module, std::int64_t rows, std::int64_t cols) const {
  const StatsModule& m = at(module);
  LQ_CHECK(m.rows == rows && m.cols == cols, kMismatch,
           "[stats] {}: {} is [{}, {}], but the weight is [{}, {}]", path().string(), module_of(module),
           m.rows, m.cols, rows, cols);
}

const TensorView* CalibrationStats::find(std::string_view module, std::string_view what) const {
  const auto it = modules_.find(module_of(module));
  if (it == modules_.end()) return nullptr;
  const bool of_input = what == kInputMoment || what == kInputMomentHeldOut;
  return reader_.find((of_input ? it->second.input : it->first) + std::string(what));
}

const TensorView& CalibrationStats::tensor(std::string_view module, std::string_view what) const {
  at(module);
  const TensorView* view = find(module, what);
  LQ_CHECK(view != nullptr, kNotFound,
           "[stats] {}: {}{} is missing: it was not gathered (calibrate's `only` says what is)",
           path().string(), module_of(module), what);
  return *view;
}

std::vector<float> CalibrationStats::values(std::string_view module, std::string_view what) const {
  const TensorView& view = tensor(module, what);
  std::vector<float> v(static_cast<std::size_t>(view.numel()));
  convert_to_f32(view.dtype(), view.data, 0, view.numel(), v.data());
  for (const float x : v) {
    LQ_CHECK(std::isfinite(x), kCorruptFile, "[stats] {}: {} holds a NaN or an infinity", path().string(),
             view.name());
  }
  return v;
}

std::vector<float> CalibrationStats::moment(std::string_view module, std::string_view what) const {
  std::vector<float> m = values(module, what);
  const auto n = static_cast<std::size_t>(tensor(module, what).shape()[0]);
  float largest = 0.0F;
  for (std::size_t i = 0; i < n; ++i) {
    LQ_CHECK(m[i * n + i] >= 0.0F, kCorruptFile, "[stats] {}: {} has {} on its diagonal (a mean of squares)",
             path().string(), tensor(module, what).name(), m[i * n + i]);
    largest = std::max(largest, m[i * n + i]);
  }
  // Ours are symmetric to the bit; another program's sums may differ by rounding.
  const float room = 1e-5F * largest;
  constexpr std::size_t kTile = 64;
  for (std::size_t i0 = 0; i0 < n; i0 += kTile) {
    for (std::size_t j0 = 0; j0 <= i0; j0 += kTile) {
      for (std::size_t i = i0; i < std::min(n, i0 + kTile); ++i) {
        for (std::size_t j = j0; j < std::min(i, j0 + kTile); ++j) {
          LQ_CHECK(std::abs(m[i * n + j] - m[j * n + i]) <= room, kCorruptFile,
                   "[stats] {}: {} is not symmetric: [{}, {}] is {}, but [{}, {}] is {}", path().string(),
                   tensor(module, what).name(), i, j, m[i * n + j], j, i, m[j * n + i]);
        }
      }
    }
  }
  return m;
}

std::vector<double> CalibrationStats::fisher_rows(std::string_view module) const {
  const std::vector<float> v = values(module, kFisherRows);
  LQ_CHECK(std::ranges::none_of(v, [](float x) { return x < 0.0F; }), kCorruptFile,
           "[stats] {}: {}{} holds a negative mean of squares", path().string(), module_of(module),
           kFisherRows);
  return {v.begin(), v.end()};
}

std::vector<double> CalibrationStats::fisher_cols(std::string_view module) const {
  const std::vector<float> v = values(module, kFisherCols);
  LQ_CHECK(std::ranges::none_of(v, [](float x) { return x < 0.0F; }), kCorruptFile,
           "[stats] {}: {}{} holds a negative mean of squares", path().string(), module_of(module),
           kFisherCols);
  return {v.begin(), v.end()};
}

std::vector<float> CalibrationStats::fisher(std::string_view module) const {
  std::vector<float> v = values(module, kFisher);
  LQ_CHECK(std::ranges::none_of(v, [](float x) { return x < 0.0F; }), kCorruptFile,
           "[stats] {}: {}{} holds a negative mean of squares", path().string(), module_of(module), kFisher);
  return v;
}

std::vector<float> CalibrationStats::input_moment(std::string_view module) const {
  return moment(module, kInputMoment);
}

std::vector<float> CalibrationStats::input_moment_held_out(std::string_view module) const {
  return moment(module, kInputMomentHeldOut);
}

std::vector<float> CalibrationStats::output_grad_moment(std::string_view module) const {
  return moment(module, kOutputGradMoment);
}

std::vector<float> CalibrationStats::weighted_input_moment(std::string_view module) const {
  return moment(module, kWeightedInputMoment);
}

std::vector<float> CalibrationStats::input_moment_diagonal(std::string_view module) const {
  return diagonal(module, kInputMoment);
}

std::vector<float> CalibrationStats::weighted_input_moment_diagonal(std::string_view module) const {
  return diagonal(module, kWeightedInputMoment);
}

std::vector<float> CalibrationStats::diagonal(std::string_view module, std::string_view what) const {
  const TensorView& view = tensor(module, what);
  const std::int64_t n = view.shape()[0];
  std::vector<float> d(static_cast<std::size_t>(n));
  for (std::int64_t i = 0; i < n; ++i) {
    convert_to_f32(view.dtype(), view.data, i * n + i, 1, d.data() + i);
    LQ_CHECK(std::isfinite(d[static_cast<std::size_t>(i)]) && d[static_cast<std::size_t>(i)] >= 0.0F,
             kCorruptFile, "[stats] {}: {} has {} on its diagonal", path().string(), view.name(),
             d[static_cast<std::size_t>(i)]);
  }
  return d;
}

}  // namespace lq
