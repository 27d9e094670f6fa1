#include "data/example_set.h"

#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/rng.h"
#include "data/data_files.h"
#include "files/path_access.h"

namespace lq {
namespace {

class Collector {
 public:
  Collector(const Tokenizer& tokenizer, const ExampleSetOptions& options, ExampleSet& set)
      : tokenizer_(tokenizer),
        options_(options),
        set_(set),
        maker_(format_of(options)),
        split_(options.seed, stream_of("validation split")) {}

  void add(const nlohmann::ordered_json& record, double weight, const std::string& place) {
    const bool text = detect_format(record, options_.format, place) == RecordFormat::kText;
    DataReport found;  // counts only where the record is taken
    EncodedExample example = encode_example(tokenizer_, maker_.make(record, place, found), options_.encode);
    set_.report.add(found);
    if (text) {
      for (EncodedExample& window : cut_windows(example, options_.max_length))
        keep(std::move(window), weight, validates());
      return;
    }
    const bool validation = validates();
    if (options_.drop_long && std::ssize(example.ids) > options_.max_length) {
      ++set_.dropped;
      return;
    }
    if (truncate(example, options_.max_length)) ++set_.truncated;
    keep(std::move(example), weight, validation);
  }

 private:
  static ExampleFormat format_of(const ExampleSetOptions& options) {
    ExampleFormat format = options.format;
    if (options.encode.train_on_all) format.what = Trained::kAll;
    return format;
  }

  // Whether the next example is for validation.
  bool validates() {
    const double draw = split_.uniform(number_++);
    return options_.validation > 0 && draw < options_.validation;
  }

  void keep(EncodedExample example, double weight, bool validation) {
    const std::int64_t trained = example.trained_tokens();
    if (trained == 0) {
      ++set_.dropped;
      return;
    }
    set_.tokens += std::ssize(example.ids);
    set_.trained_tokens += trained;
    if (validation) {
      set_.validation.push_back(std::move(example));
    } else {
      set_.train.push_back(std::move(example));
      set_.weights.push_back(weight);
    }
  }

  const Tokenizer& tokenizer_;
  const ExampleSetOptions& options_;
  ExampleSet& set_;
  ExampleMaker maker_;
  Rng split_;
  std::uint64_t number_ = 0;
};

}  // namespace

DataSource parse_source(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos || path_exists(text)) return {text, 1.0};
  double weight = 0.0;
  const char* const last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data() + colon + 1, last, weight);
  LQ_CHECK(error == std::errc() && end == last && weight > 0 && std::isfinite(weight) && weight <= 1000,
           kInvalidArgument, "'{}': the weight behind the colon should be a number above 0 and at most 1000",
           text);
  return {text.substr(0, colon), weight};
}

ExampleSet read_examples(const std::vector<DataSource>& sources, const Tokenizer& tokenizer,
                         const ExampleSetOptions& options, Progress& progress) {
  LQ_CHECK(options.max_length > 1, kInvalidArgument,
           "examples of at most {} tokens; there should be at least 2", options.max_length);
  LQ_CHECK(options.validation >= 0 && options.validation < 1, kInvalidArgument,
           "the validation share is {}, but should be at least 0 and less than 1", options.validation);
  ExampleSet set;
  Collector collector(tokenizer, options, set);
  progress.begin("reading examples", 0, "examples");
  std::int64_t read = 0;
  RecordOptions records = options.records;
  records.report = &set.report;
  for (const DataSource& source : sources) {
    const std::vector<std::filesystem::path> files = data_files(source.path, &set.report);
    count_split_names(source.path, files, set.report);
    for (const auto& file : files) {
      const auto reader = RecordReader::open(file, records);
      nlohmann::ordered_json record;
      while (reader->next(record)) {
        const std::string place = reader->place();
        try {
          collector.add(record, source.weight, place);
        } catch (const Error& e) {
          if (!options.records.skip_bad || e.code() != ErrorCode::kCorruptFile) throw;
          ++set.bad;
          if (options.records.on_bad) options.records.on_bad(e.what());
        }
        if (++read % 1000 == 0) progress.update(read, file.filename().string());
      }
      set.bad += reader->bad();
    }
  }
  progress.end();
  LQ_CHECK(!set.train.empty(), kInvalidArgument,
           "no example to {}{}: {} records read, {} bad, {} without a token that counts or too long",
           options.purpose, sources.empty() ? "" : " in " + sources.front().path.string(), read, set.bad,
           set.dropped);
  return set;
}

}  // namespace lq
