// {% for %}: its variable `loop`, its turns, and what calls itself again.
#include "templates/jinja_interpreter.h"

namespace lq::jinja {
namespace {

// The variable `loop`.
class Loop final : public Object, public std::enable_shared_from_this<Loop> {
 public:
  Loop(const Node& node, std::vector<Value> all, const ScopePtr& scope, std::int64_t depth)
      : items(std::move(all)), node_(node), scope_(scope), depth_(depth) {}
  const std::vector<Value> items;
  std::size_t at = 0;

  std::string_view type_name() const override { return "LoopContext"; }
  bool callable() const override { return node_.recursive; }
  Value call(Runtime& runtime, Arguments& arguments) override {
    if (!node_.recursive) runtime.refuse("'loop' is called, but the loop is not 'recursive'");
    if (arguments.values.size() != 1) runtime.refuse("'loop' takes one argument");
    const ScopePtr scope = scope_.lock();
    if (scope == nullptr) runtime.unsupported("'loop' is called outside of its loop");
    return static_cast<Interpreter&>(runtime).render_loop(node_, arguments.values[0], scope, depth_ + 1);
  }
  Value member(Runtime&, std::string_view name) override;

 private:
  class Method final : public Object {
   public:
    Method(std::shared_ptr<Loop> loop, bool cycles) : loop_(std::move(loop)), cycles_(cycles) {}
    std::string_view type_name() const override { return "method"; }
    Value call(Runtime& runtime, Arguments& arguments) override {
      if (cycles_) {
        if (arguments.values.empty()) runtime.refuse("no items for cycling given");
        return arguments.values[loop_->at % arguments.values.size()];
      }
      const Value now(arguments.values, ListKind::kTuple);
      const bool same = loop_->seen_ && equal(loop_->last_, now);
      loop_->last_ = now;
      loop_->seen_ = true;
      return !same;
    }

   private:
    std::shared_ptr<Loop> loop_;
    bool cycles_;
  };

  const Node& node_;
  std::weak_ptr<Scope> scope_;
  std::int64_t depth_;
  Value last_;
  bool seen_ = false;
};

Value Loop::member(Runtime&, std::string_view name) {
  const auto i = static_cast<std::int64_t>(at), n = static_cast<std::int64_t>(items.size());
  if (name == "index0") return i;
  if (name == "index") return i + 1;
  if (name == "revindex0") return n - i - 1;
  if (name == "revindex") return n - i;
  if (name == "first") return i == 0;
  if (name == "last") return i + 1 == n;
  if (name == "length") return n;
  if (name == "depth0") return depth_;
  if (name == "depth") return depth_ + 1;
  if (name == "previtem") return at > 0 ? items[at - 1] : Value::undefined("there is no previous item");
  if (name == "nextitem") return i + 1 < n ? items[at + 1] : Value::undefined("there is no next item");
  if (name == "cycle") return Value(std::shared_ptr<Object>(new Method(shared_from_this(), true)));
  if (name == "changed") return Value(std::shared_ptr<Object>(new Method(shared_from_this(), false)));
  return {};
}

}  // namespace

void Interpreter::loop(const Node& node, const Value& over, const ScopePtr& scope, std::int64_t depth) {
  std::vector<Value> items = iterate(*this, over);
  if (node.filter != nullptr) {
    std::vector<Value> kept;
    for (const Value& item : items) {
      step(node.line);
      const ScopePtr inner = inside(scope);
      assign(node.target, item, inner);
      if (truth(evaluate(*node.filter, inner))) kept.push_back(item);
    }
    items = std::move(kept);
  }
  if (items.empty()) {
    render(node.other, inside(scope));
    return;
  }
  const auto state = std::make_shared<Loop>(node, std::move(items), scope, depth);
  for (std::size_t i = 0; i < state->items.size(); ++i) {
    const Value& item = state->items[i];
    step(node.line);
    const ScopePtr inner = inside(scope);
    state->at = i;
    inner->names["loop"] = Value(std::shared_ptr<Object>(state));
    assign(node.target, item, inner);
    const auto traced = traced_.find(item.identity());
    const bool is_message = traced != traced_.end();
    const std::int64_t outer = message_;
    if (is_message) message_ = static_cast<std::int64_t>(traced->second);
    const std::size_t begin = out().size();
    const Flow flow = render(node.body, inner);
    if (is_message && outputs_.size() == 1 && out().size() > begin) {
      trace_->turns.push_back({begin, out().size(), message_});
    }
    message_ = outer;
    if (flow == Flow::kBreak) break;
  }
}

std::string Interpreter::render_loop(const Node& node, const Value& over, const ScopePtr& scope,
                                     std::int64_t depth) {
  LQ_CHECK(++calls_ <= kMaxCalls, kUnsupported, "{}: calls nested more than {} deep", place(), kMaxCalls);
  outputs_.emplace_back();
  loop(node, over, scope, depth);
  std::string text = std::move(out());
  outputs_.pop_back();
  --calls_;
  return text;
}

}  // namespace lq::jinja
