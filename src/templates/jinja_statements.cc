#include <algorithm>

#include "templates/jinja_interpreter.h"

namespace lq::jinja {
namespace {

constexpr std::size_t kMaxOutput = std::size_t{1} << 26;
constexpr std::size_t kMaxWork = 5'000'000;  // nodes, expressions, 64 bytes of text each: more has run away

class Macro final : public Object {
 public:
  // The scope is not kept alive: it holds the macro.
  Macro(const Node& node, const ScopePtr& scope, std::string name)
      : node_(node), scope_(scope), name_(std::move(name)) {}
  std::string_view type_name() const override { return "Macro"; }
  Value member(Runtime&, std::string_view name) override { return name == "name" ? Value(name_) : Value(); }
  Value call(Runtime& runtime, Arguments& arguments) override {
    const ScopePtr scope = scope_.lock();
    if (scope == nullptr) runtime.unsupported("the macro '{}' is called outside of where it was made", name_);
    return static_cast<Interpreter&>(runtime).call_macro(node_, scope, name_, arguments);
  }

 private:
  const Node& node_;
  std::weak_ptr<Scope> scope_;
  std::string name_;
};

}  // namespace

Interpreter::Interpreter(const std::string& who, const Value& variables, const RenderOptions& options,
                         RenderTrace* trace)
    : who_(who), options_(options), trace_(trace), globals_(std::make_shared<Scope>()), outputs_(1) {
  for (const auto& [key, value] : variables.dict().entries()) globals_->names[key.text()] = value;
  const auto messages = globals_->names.find("messages");
  if (trace_ == nullptr || messages == globals_->names.end() || !messages->second.is_list()) return;
  const auto& items = messages->second.list().items;
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (items[i].identity() != nullptr) traced_[items[i].identity()] = i;
  }
}

std::string Interpreter::run(const std::vector<Node>& nodes) {
  render(nodes, globals_);
  return std::move(outputs_.front());
}

void Interpreter::charge(std::size_t work) {
  work_ += work;
  LQ_CHECK(work_ <= kMaxWork && outputs_.back().size() <= kMaxOutput, kUnsupported,
           "{}: the template runs away", place());
}
std::string Interpreter::place() const { return fmt::format("{}: line {}", who_, line_); }
std::tm Interpreter::now() const {
  if (options_.now) return *options_.now;
  const std::time_t seconds = std::time(nullptr);
  std::tm local{};
  localtime_r(&seconds, &local);
  return local;
}

Interpreter::Flow Interpreter::render(const std::vector<Node>& nodes, const ScopePtr& scope) {
  for (const Node& node : nodes) {
    const Flow flow = render(node, scope);
    if (flow != Flow::kNormal) return flow;
  }
  return Flow::kNormal;
}

Interpreter::Flow Interpreter::render(const Node& node, const ScopePtr& scope) {
  step(node.line);
  switch (node.kind) {
    case NodeKind::kText:
      out() += node.text;
      break;
    case NodeKind::kPrint: {
      const Value value = evaluate(*node.expr, scope);
      if (options_.strict && value.is_undefined()) {
        const std::string* why = value.undefined_reason();
        fail(ErrorCode::kInvalidArgument, "{}: {}", place(), why == nullptr ? "a value is undefined" : *why);
      }
      const std::string text = to_text(value);
      charge(text.size() / 64);
      out() += text;
      break;
    }
    case NodeKind::kIf:
      return render(truth(evaluate(*node.expr, scope)) ? node.body : node.other, scope);
    case NodeKind::kFor:
      loop(node, evaluate(*node.expr, scope), scope, 0);
      break;
    case NodeKind::kSet:
      assign(node.target, evaluate(*node.expr, scope), scope);
      break;
    case NodeKind::kSetBlock: {
      Value value = capture(node.body, inside(scope));
      if (node.expr != nullptr) value = filter(*node.expr, scope, &value);
      assign(node.target, value, scope);
      break;
    }
    case NodeKind::kMacro:
      scope->names[node.text] = Value(std::shared_ptr<Object>(new Macro(node, scope, node.text)));
      break;
    case NodeKind::kCallBlock:
      call_block(node, scope);
      break;
    case NodeKind::kFilterBlock: {
      const Value text = capture(node.body, inside(scope));
      out() += to_text(filter(*node.expr, scope, &text));
      break;
    }
    case NodeKind::kWith: {
      const ScopePtr inner = inside(scope);
      for (std::size_t i = 0; i < node.defaults.size(); ++i) {
        inner->names[node.target.names[i]] = evaluate(*node.defaults[i], scope);
      }
      return render(node.body, inner);
    }
    case NodeKind::kGeneration:
      generation(node, scope);
      break;
    case NodeKind::kBreak:
      return Flow::kBreak;
    case NodeKind::kContinue:
      return Flow::kContinue;
  }
  return Flow::kNormal;
}

std::string Interpreter::capture(const std::vector<Node>& nodes, const ScopePtr& scope) {
  outputs_.emplace_back();
  render(nodes, scope);
  std::string text = std::move(out());
  outputs_.pop_back();
  return text;
}

void Interpreter::generation(const Node& node, const ScopePtr& scope) {
  const std::size_t begin = out().size();
  render(node.body, inside(scope));
  if (trace_ == nullptr) return;
  if (outputs_.size() > 1) {
    trace_->hidden = true;
  } else {
    trace_->generations.push_back({begin, out().size(), message_});
  }
}

void Interpreter::assign(const Target& target, const Value& value, const ScopePtr& scope) {
  if (!target.parts.empty()) {
    const std::vector<Value> items = iterate(*this, value);
    if (items.size() != target.parts.size()) {
      refuse("{} names for {} values", target.parts.size(), items.size());
    }
    for (std::size_t i = 0; i < items.size(); ++i) assign(target.parts[i], items[i], scope);
    return;
  }
  const std::string& name = target.names.front();
  if (target.member.empty()) {
    scope->names[name] = value;
    return;
  }
  const Value object = lookup(name, *scope);
  if (!object.is_namespace()) refuse("cannot assign attribute on non-namespace object '{}'", name);
  if (target.member.starts_with("_")) refuse("the member '{}' of a namespace", target.member);
  object.mutable_dict().set(Value(target.member), value);
}

void Interpreter::call_block(const Node& node, const ScopePtr& scope) {
  Arguments given = arguments(*node.expr, scope);
  given.named.emplace_back("caller", Value(std::shared_ptr<Object>(new Macro(node, scope, "caller"))));
  out() += to_text(call(*this, evaluate(*node.expr->parts[0], scope), given));
}

std::string Interpreter::call_macro(const Node& node, const ScopePtr& scope, const std::string& name,
                                    const Arguments& given) {
  LQ_CHECK(++calls_ <= kMaxCalls, kUnsupported, "{}: calls nested more than {} deep", place(), kMaxCalls);
  const auto& parameters = node.target.names;
  const ScopePtr inner = inside(scope);
  std::vector<Value> more;
  for (std::size_t i = 0; i < given.values.size(); ++i) {
    if (i < parameters.size()) {
      inner->names[parameters[i]] = given.values[i];
    } else {
      more.push_back(given.values[i]);
    }
  }
  auto others = std::make_shared<Dict>();
  for (const auto& [key, value] : given.named) {
    const bool known = std::find(parameters.begin(), parameters.end(), key) != parameters.end();
    if (known && inner->names.contains(key)) refuse("macro '{}' got two values for '{}'", name, key);
    if (known || (key == "caller" && node.uses_caller)) {
      inner->names[key] = value;
    } else {
      if (!node.uses_kwargs) refuse("macro '{}' takes no keyword argument '{}'", name, key);
      others->set(Value(key), value);
    }
  }
  if (!more.empty() && !node.uses_varargs) {
    refuse("macro '{}' takes not more than {} argument(s)", name, parameters.size());
  }
  if (node.uses_varargs) inner->names["varargs"] = Value(std::move(more), ListKind::kTuple);
  if (node.uses_kwargs) inner->names["kwargs"] = Value(others);
  if (node.uses_caller && !inner->names.contains("caller")) {
    inner->names["caller"] = Value::undefined("No caller defined");
  }
  const std::size_t first_default = parameters.size() - node.defaults.size();
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    if (inner->names.contains(parameters[i])) continue;
    inner->names[parameters[i]] =
        i < first_default ? Value::undefined(fmt::format("parameter '{}' was not provided", parameters[i]))
                          : evaluate(*node.defaults[i - first_default], inner);
  }
  std::string text = capture(node.body, inner);
  --calls_;
  return text;
}

}  // namespace lq::jinja
