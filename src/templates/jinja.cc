#include "templates/jinja.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "templates/jinja_ast.h"
#include "templates/jinja_interpreter.h"

namespace lq {

struct Jinja::Impl {
  std::string who;
  std::vector<jinja::Node> nodes;
  bool has_generation = false;
};

namespace {

bool finds_generation(const std::vector<jinja::Node>& nodes) {
  return std::any_of(nodes.begin(), nodes.end(), [](const jinja::Node& node) {
    return node.kind == jinja::NodeKind::kGeneration || finds_generation(node.body) ||
           finds_generation(node.other);
  });
}

}  // namespace

Jinja::Jinja(std::string_view source, const std::string& who) {
  auto impl = std::make_unique<Impl>();
  impl->who = who;
  impl->nodes = jinja::parse(source, who);
  impl->has_generation = finds_generation(impl->nodes);
  impl_ = std::move(impl);
}
Jinja::~Jinja() = default;
Jinja::Jinja(Jinja&&) noexcept = default;
Jinja& Jinja::operator=(Jinja&&) noexcept = default;

bool Jinja::has_generation() const { return impl_->has_generation; }

std::string Jinja::render(const nlohmann::ordered_json& variables, const RenderOptions& options,
                          RenderTrace* trace) const {
  return jinja::Interpreter(impl_->who, jinja::from_json(variables), options, trace).run(impl_->nodes);
}

}  // namespace lq
