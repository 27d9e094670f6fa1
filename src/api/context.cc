#include "lqlora/context.h"

#include "api/context_impl.h"
#include "base/progress.h"

namespace lqlora {
namespace {

// Hands on to the caller's.
class ForwardedProgress final : public lq::Progress {
 public:
  explicit ForwardedProgress(lqlora::Progress& to) : to_(to) {}
  void begin(std::string_view stage, std::int64_t total, std::string_view unit) override {
    to_.begin(stage, total, unit);
  }
  void update(std::int64_t done, std::string_view detail) override { to_.update(done, detail); }
  void end() override { to_.end(); }
  void note(std::string_view line) override { to_.note(line); }

 private:
  lqlora::Progress& to_;
};

std::unique_ptr<lq::Progress> progress_of(Progress* given) {
  if (given == nullptr) return std::make_unique<lq::NoProgress>();
  return std::make_unique<ForwardedProgress>(*given);
}

}  // namespace

Context::Impl::Impl(const ContextOptions& options)
    : pool(options.threads),
      progress(progress_of(options.progress)),
      context{pool, *progress, options.seed, lq::StopToken(options.stop)} {}

Context::Context(const ContextOptions& options) : impl_(std::make_unique<Impl>(options)) {}
Context::~Context() = default;
Context::Context(Context&&) noexcept = default;
Context& Context::operator=(Context&&) noexcept = default;

int Context::threads() const { return impl_->pool.threads(); }
std::uint64_t Context::seed() const { return impl_->context.seed; }

}  // namespace lqlora
