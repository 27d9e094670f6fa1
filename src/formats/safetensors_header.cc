#include "formats/safetensors_header.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <unordered_set>

#include "base/error.h"
#include "base/printable.h"

namespace lq {
namespace {

using Json = nlohmann::json;

// Receives the parser's events and builds the header without a document in between: memory stays a small
// multiple of the text, and duplicate names are seen (a document would drop them silently).
class HeaderBuilder final : public nlohmann::json_sax<Json> {
 public:
  HeaderBuilder(SafetensorsHeader& header, std::string_view who) : header_(header), who_(who) {}

  bool null() override { refuse("null"); }
  bool boolean(bool) override { refuse("a boolean"); }
  bool number_integer(number_integer_t) override { refuse("a negative number"); }
  bool number_float(number_float_t, const string_t&) override { refuse("a number that is no integer"); }
  bool binary(binary_t&) override { refuse("binary data"); }
  bool number_unsigned(number_unsigned_t value) override;
  bool string(string_t& value) override;
  bool start_object(std::size_t) override;
  bool end_object() override;
  bool start_array(std::size_t) override;
  bool end_array() override;
  bool key(string_t& name) override;
  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception&) override {
    fail(ErrorCode::kCorruptFile, "{}: the header is not valid JSON (at byte {} of it)", who_, position);
  }

 private:
  enum class Place { kOutside, kTop, kMetadata, kTensor, kShape, kOffsets };

  [[noreturn]] void refuse(std::string_view what) const {
    fail(ErrorCode::kCorruptFile, "{}: {} where the header expects {}", where(), what, expected());
  }
  std::string where() const {
    return name_.empty() ? std::string(who_) : fmt::format("{}: {}", who_, printable(name_));
  }
  std::string_view expected() const {
    switch (place_) {
      case Place::kOutside:
        return "an object";
      case Place::kTop:
        return "an object for each tensor";
      case Place::kMetadata:
        return "strings only in __metadata__";
      case Place::kTensor:
        return "a dtype name, a shape list and a data_offsets list";
      case Place::kShape:
        return "extents of 0 or more";
      case Place::kOffsets:
        return "two offsets";
    }
    return "";
  }

  SafetensorsHeader& header_;
  std::string_view who_;
  Place place_ = Place::kOutside;
  std::string name_;   // of the tensor in hand, or __metadata__
  std::string field_;  // key within it
  std::unordered_set<std::string> names_;
  SafetensorsHeader::Entry entry_;
  std::string dtype_;
  std::vector<std::uint64_t> offsets_;
  bool has_dtype_ = false, has_shape_ = false, has_offsets_ = false;
};

bool HeaderBuilder::number_unsigned(number_unsigned_t value) {
  constexpr std::uint64_t kLimit = std::uint64_t{1} << 62;
  if (place_ == Place::kShape) {
    LQ_CHECK(value <= kLimit, kCorruptFile, "{}: an extent of {} in its shape", where(), value);
    LQ_CHECK(entry_.spec.shape.size() < kSafetensorsRankLimit, kCorruptFile,
             "{}: a shape of more than {} dimensions", where(), kSafetensorsRankLimit);
    entry_.spec.shape.push_back(static_cast<std::int64_t>(value));
  } else if (place_ == Place::kOffsets) {
    LQ_CHECK(offsets_.size() < 2, kCorruptFile, "{}: more than two data_offsets", where());
    offsets_.push_back(value);
  } else {
    refuse("a number");
  }
  return true;
}

bool HeaderBuilder::string(string_t& value) {
  if (place_ == Place::kMetadata) {
    header_.metadata[field_] = value;
  } else if (place_ == Place::kTensor && field_ == "dtype") {
    dtype_ = value;
    has_dtype_ = true;
  } else {
    refuse("a string");
  }
  return true;
}

bool HeaderBuilder::start_object(std::size_t) {
  if (place_ == Place::kOutside) {
    place_ = Place::kTop;
  } else if (place_ == Place::kTop) {
    place_ = name_ == "__metadata__" ? Place::kMetadata : Place::kTensor;
    entry_ = {};
    offsets_.clear();
    has_dtype_ = has_shape_ = has_offsets_ = false;
  } else {
    refuse("an object");
  }
  return true;
}

bool HeaderBuilder::end_object() {
  if (place_ == Place::kTensor) {
    LQ_CHECK(has_dtype_ && has_shape_ && has_offsets_, kCorruptFile, "{}: no {} in the header", where(),
             !has_dtype_   ? "dtype"
             : !has_shape_ ? "shape"
                           : "data_offsets");
    LQ_CHECK(offsets_.size() == 2 && offsets_[0] <= offsets_[1], kCorruptFile,
             "{}: data_offsets must be two numbers, begin before end", where());
    entry_.spec.name = name_;
    entry_.spec.dtype = dtype_from_name(dtype_, where());
    entry_.begin = offsets_[0];
    entry_.end = offsets_[1];
    header_.entries.push_back(std::move(entry_));
  }
  place_ = place_ == Place::kTop ? Place::kOutside : Place::kTop;
  name_.clear();
  return true;
}

bool HeaderBuilder::start_array(std::size_t) {
  if (place_ == Place::kTensor && field_ == "shape") {
    place_ = Place::kShape;
    has_shape_ = true;
  } else if (place_ == Place::kTensor && field_ == "data_offsets") {
    place_ = Place::kOffsets;
    has_offsets_ = true;
  } else {
    refuse("a list");
  }
  return true;
}

bool HeaderBuilder::end_array() {
  place_ = Place::kTensor;
  return true;
}

bool HeaderBuilder::key(string_t& name) {
  if (place_ == Place::kTop) {
    name_ = name;
    LQ_CHECK(!name.empty(), kCorruptFile, "{}: a tensor without a name", who_);
    LQ_CHECK(names_.insert(name).second, kCorruptFile, "{}: {}: the name occurs twice", who_,
             printable(name));
    return true;
  }
  if (place_ == Place::kMetadata) {
    LQ_CHECK(!header_.metadata.contains(name), kCorruptFile, "{}: __metadata__: key '{}' occurs twice", who_,
             printable(name));
  } else {
    const bool twice = (name == "dtype" && has_dtype_) || (name == "shape" && has_shape_) ||
                       (name == "data_offsets" && has_offsets_);
    LQ_CHECK(!twice, kCorruptFile, "{}: key '{}' occurs twice", where(), name);
    LQ_CHECK(name == "dtype" || name == "shape" || name == "data_offsets", kCorruptFile,
             "{}: key '{}' (expected dtype, shape and data_offsets)", where(), printable(name));
  }
  field_ = name;
  return true;
}

// Every byte of the data belongs to exactly one tensor.
void check_layout(const SafetensorsHeader& header, std::uint64_t data_size, std::string_view who) {
  std::uint64_t end = 0;
  for (const auto& entry : header.entries) {
    const auto name = printable(entry.spec.name);
    LQ_CHECK(entry.end <= data_size, kCorruptFile,
             "{}: {}: its bytes end at {}, but the file holds {} bytes of data (truncated?)", who, name,
             entry.end, data_size);
    TensorSpec named = entry.spec;  // the size errors of TensorSpec start with its name
    named.name = fmt::format("{}: {}", who, name);
    const std::uint64_t wanted = named.bytes();
    LQ_CHECK(entry.end - entry.begin == wanted, kCorruptFile, "{}: {}: {} bytes, but shape {} {} needs {}",
             who, name, entry.end - entry.begin, shape_text(entry.spec.shape), dtype_name(entry.spec.dtype),
             wanted);
    LQ_CHECK(entry.begin >= end, kCorruptFile, "{}: {}: its bytes [{}, {}) overlap another tensor's", who,
             name, entry.begin, entry.end);
    LQ_CHECK(entry.begin == end, kCorruptFile, "{}: {}: {} unused bytes before it", who, name,
             entry.begin - end);
    end = entry.end;
  }
  LQ_CHECK(end == data_size, kCorruptFile, "{}: {} bytes of data, but its tensors have {}", who, data_size,
           end);
}

}  // namespace

std::uint64_t safetensors_header_length(const std::byte* first8, std::uint64_t file_size,
                                        std::string_view who) {
  LQ_CHECK(file_size >= 8, kCorruptFile, "{}: {} bytes, too short for a safetensors file", who, file_size);
  std::uint64_t length = 0;
  for (int i = 7; i >= 0; --i) length = length << 8U | std::to_integer<std::uint64_t>(first8[i]);
  LQ_CHECK(length <= kSafetensorsHeaderLimit, kCorruptFile,
           "{}: a header of {} bytes, but the format allows {} (not a safetensors file?)", who, length,
           kSafetensorsHeaderLimit);
  LQ_CHECK(length <= file_size - 8, kCorruptFile,
           "{}: a header of {} bytes, but the file has {} after the length (truncated?)", who, length,
           file_size - 8);
  return length;
}

SafetensorsHeader parse_safetensors_header(std::string_view json, std::uint64_t file_size,
                                           std::string_view who) {
  LQ_CHECK(json.starts_with('{'), kCorruptFile, "{}: the header does not start with '{{'", who);
  SafetensorsHeader header;
  HeaderBuilder builder(header, who);
  Json::sax_parse(json.begin(), json.end(), &builder);
  header.data_begin = 8 + json.size();
  std::stable_sort(header.entries.begin(), header.entries.end(), [](const auto& x, const auto& y) {
    return x.begin != y.begin ? x.begin < y.begin : x.end < y.end;
  });
  check_layout(header, file_size - header.data_begin, who);
  return header;
}

std::string make_safetensors_header(const std::vector<TensorSpec>& specs, const Metadata& metadata,
                                    SafetensorsHeader& layout) {
  std::unordered_set<std::string_view> names;
  layout = {};
  layout.metadata = metadata;
  for (const TensorSpec& spec : specs) {
    LQ_CHECK(!spec.name.empty() && spec.name != "__metadata__", kInvalidArgument,
             "[safetensors] '{}' cannot be a tensor's name", spec.name);
    LQ_CHECK(names.insert(spec.name).second, kInvalidArgument, "[safetensors] {}: the name occurs twice",
             printable(spec.name));
    layout.entries.push_back({spec, 0, 0});
  }
  std::stable_sort(layout.entries.begin(), layout.entries.end(), [](const auto& x, const auto& y) {
    return dtype_size(x.spec.dtype) > dtype_size(y.spec.dtype);
  });

  std::string json = "{";
  const auto quoted = [](const std::string& text) {
    try {
      return Json(text).dump();
    } catch (const Json::exception&) {
      fail(ErrorCode::kInvalidArgument, "[safetensors] '{}' is not UTF-8", printable(text));
    }
  };
  if (!metadata.empty()) {
    json += "\"__metadata__\":{";
    for (const auto& [key, value] : metadata) {
      if (json.back() != '{') json += ',';
      json += quoted(key) + ':' + quoted(value);
    }
    json += '}';
  }
  std::uint64_t offset = 0;
  for (auto& entry : layout.entries) {
    entry.begin = offset;
    offset += entry.spec.bytes();
    entry.end = offset;
    if (json.size() > 1) json += ',';
    json += fmt::format(R"({}:{{"dtype":"{}","shape":{},"data_offsets":[{},{}]}})", quoted(entry.spec.name),
                        dtype_name(entry.spec.dtype), Json(entry.spec.shape).dump(), entry.begin, entry.end);
  }
  json += '}';
  json.resize((json.size() + 7) / 8 * 8, ' ');
  LQ_CHECK(json.size() <= kSafetensorsHeaderLimit, kInvalidArgument,
           "[safetensors] a header of {} bytes, but the format allows {}", json.size(),
           kSafetensorsHeaderLimit);
  layout.data_begin = 8 + json.size();
  std::string out(8, '\0');
  for (std::size_t i = 0; i < 8; ++i) out[i] = static_cast<char>(json.size() >> (8 * i) & 0xffU);
  return out + json;
}

}  // namespace lq
