#define PCRE2_CODE_UNIT_WIDTH 8
#include "unicode/module_pattern.h"

#include <pcre2.h>

#include "base/error.h"
#include "base/printable.h"

namespace lq {
namespace {

constexpr std::size_t kPatternLimit = 64 * 1024;  // bytes; real ones have a few hundred
constexpr std::uint32_t kMatchLimit = 200'000;    // steps: a few milliseconds
constexpr std::uint32_t kHeapLimit = 16 * 1024;   // KiB

}  // namespace

struct ModulePattern::State {
  std::string pattern;
  pcre2_code* code = nullptr;
  pcre2_match_context* context = nullptr;
  ~State() {
    pcre2_code_free(code);
    pcre2_match_context_free(context);
  }
};

ModulePattern::ModulePattern(std::string_view pattern, std::string_view who, ErrorCode code)
    : state_(std::make_unique<State>()) {
  if (pattern.size() > kPatternLimit) fail(code, "{}: a regular expression of {} bytes", who, pattern.size());
  state_->pattern = pattern;
  int error = 0;
  PCRE2_SIZE offset = 0;
  state_->code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(state_->pattern.data()), state_->pattern.size(),
                               PCRE2_ANCHORED | PCRE2_ENDANCHORED, &error, &offset, nullptr);
  if (state_->code == nullptr) {
    PCRE2_UCHAR text[256] = {};
    pcre2_get_error_message(error, text, sizeof text);
    fail(code, "{}: '{}' is not a regular expression: {} (at {})", who, printable(pattern),
         reinterpret_cast<const char*>(text), offset);
  }
  state_->context = pcre2_match_context_create(nullptr);
  if (state_->context == nullptr) throw std::bad_alloc();
  pcre2_set_match_limit(state_->context, kMatchLimit);
  pcre2_set_heap_limit(state_->context, kHeapLimit);
}

ModulePattern::~ModulePattern() = default;
ModulePattern::ModulePattern(ModulePattern&&) noexcept = default;
ModulePattern& ModulePattern::operator=(ModulePattern&&) noexcept = default;

bool ModulePattern::matches(std::string_view name) const {
  struct Free {
    void operator()(pcre2_match_data* data) const { pcre2_match_data_free(data); }
  };
  const std::unique_ptr<pcre2_match_data, Free> data(pcre2_match_data_create(1, nullptr));
  if (!data) throw std::bad_alloc();
  const int found = pcre2_match(state_->code, reinterpret_cast<PCRE2_SPTR>(name.data()), name.size(), 0, 0,
                                data.get(), state_->context);
  if (found == PCRE2_ERROR_NOMATCH) return false;
  LQ_CHECK(found >= 0, kUnsupported, "[regex] '{}' takes too much work to match with '{}'",
           printable(state_->pattern), printable(name));
  return true;
}

}  // namespace lq
