#include "templates/jinja.h"

#include <algorithm>

#include "base/error.h"
#include "templates/jinja_ast.h"
#include "templates/jinja_functions.h"

namespace lq {

struct Jinja::Impl {
  std::string who;
  std::vector<jinja::Node> nodes;
};

namespace jinja {
namespace {

using Json = nlohmann::json;
constexpr std::size_t kMaxOutput = std::size_t{1} << 26;
constexpr int kMaxSteps = 300000;  // nodes and expressions: a template that needs more has run away

class Evaluation {
 public:
  Evaluation(const std::string& who, const Json& variables) : who_(who) { scopes_.push_back(variables); }

  std::string run(const std::vector<Node>& nodes) {
    render(nodes);
    return std::move(out_);
  }

 private:
  enum class Flow { kNormal, kBreak, kContinue };

  std::string place(int line) const { return fmt::format("{}: line {}", who_, line); }
  void step(int line) {
    LQ_CHECK(++steps_ <= kMaxSteps && out_.size() <= kMaxOutput, kUnsupported, "{}: the template runs away",
             place(line));
  }

  Flow render(const std::vector<Node>& nodes) {
    for (const Node& node : nodes) {
      step(node.line);
      Flow flow = Flow::kNormal;
      switch (node.kind) {
        case NodeKind::kText:
          out_ += node.text;
          break;
        case NodeKind::kPrint:
          out_ += to_text(evaluate(*node.expr));
          break;
        case NodeKind::kIf:
          flow = render(truth(evaluate(*node.expr)) ? node.body : node.other);
          break;
        case NodeKind::kFor:
          loop(node);
          break;
        case NodeKind::kSet:
          assign(node);
          break;
        case NodeKind::kBreak:
          return Flow::kBreak;
        case NodeKind::kContinue:
          return Flow::kContinue;
      }
      if (flow != Flow::kNormal) return flow;
    }
    return Flow::kNormal;
  }

  void assign(const Node& node) {
    Value value = evaluate(*node.expr);
    if (node.second.empty()) {
      if (value.undefined) {
        scopes_.back().erase(node.text);
      } else {
        scopes_.back()[node.text] = std::move(value.json);
      }
      return;
    }
    for (auto scope = scopes_.rbegin(); scope != scopes_.rend(); ++scope) {
      const auto it = scope->find(node.text);
      if (it == scope->end()) continue;
      LQ_CHECK(it->is_object(), kUnsupported, "{}: '{}' is no namespace", place(node.line), node.text);
      (*it)[node.second] = std::move(value.json);
      return;
    }
    fail(ErrorCode::kUnsupported, "{}: '{}' is undefined", place(node.line), node.text);
  }

  void loop(const Node& node) {
    const Value over = evaluate(*node.expr);
    Json items = Json::array();
    if (over.json.is_object()) {
      for (const auto& [key, value] : over.json.items()) items.push_back(key);
    } else if (!over.undefined) {
      LQ_CHECK(over.json.is_array(), kUnsupported, "{}: a loop over {}", place(node.line),
               over.json.type_name());
      items = over.json;
    }
    scopes_.push_back(Json::object());
    const auto bind = [&](const Json& item) {
      scopes_.back() = Json::object();
      if (node.second.empty()) {
        scopes_.back()[node.text] = item;
        return;
      }
      LQ_CHECK(item.is_array() && item.size() == 2, kUnsupported, "{}: a loop with two names over {}",
               place(node.line), item.type_name());
      scopes_.back()[node.text] = item[0];
      scopes_.back()[node.second] = item[1];
    };
    if (node.filter != nullptr) {
      Json kept = Json::array();
      for (const Json& item : items) {
        step(node.line);
        bind(item);
        if (truth(evaluate(*node.filter))) kept.push_back(item);
      }
      items = std::move(kept);
    }
    for (std::size_t i = 0; i < items.size(); ++i) {
      step(node.line);
      bind(items[i]);
      Json state = {{"index0", i},
                    {"index", i + 1},
                    {"first", i == 0},
                    {"last", i + 1 == items.size()},
                    {"length", items.size()},
                    {"revindex", items.size() - i},
                    {"revindex0", items.size() - i - 1}};
      if (i > 0) state["previtem"] = items[i - 1];
      if (i + 1 < items.size()) state["nextitem"] = items[i + 1];
      scopes_.back()["loop"] = std::move(state);
      if (render(node.body) == Flow::kBreak) break;
    }
    scopes_.pop_back();
    if (items.empty()) render(node.other);
  }

  // The value of a name, or of members of one, where it lies; nullptr where it has to be computed or is
  // undefined. Saves copying all messages for each messages[0]['role'].
  const Json* refer(const Expr& e) {
    if (e.kind == ExprKind::kName) {
      for (auto scope = scopes_.rbegin(); scope != scopes_.rend(); ++scope) {
        const auto it = scope->find(e.text);
        if (it != scope->end()) return &*it;
      }
      return nullptr;
    }
    if (e.kind != ExprKind::kAttribute && e.kind != ExprKind::kIndex) return nullptr;
    const Json* object = refer(*e.parts[0]);
    if (object == nullptr) return nullptr;
    const Json key = e.kind == ExprKind::kAttribute ? Json(e.text) : evaluate(*e.parts[1]).json;
    return find_member(*object, key);
  }

  Value lookup(const std::string& name) const {
    for (auto scope = scopes_.rbegin(); scope != scopes_.rend(); ++scope) {
      const auto it = scope->find(name);
      if (it != scope->end()) return {*it};
    }
    return {{}, true};
  }

  Arguments arguments(const Expr& e) {
    Arguments out;
    for (std::size_t i = 1; i < e.parts.size(); ++i) {
      out.values.push_back(evaluate(*e.parts[i]));
      out.names.push_back(i < e.names.size() ? e.names[i] : std::string());
    }
    return out;
  }

  Value evaluate(const Expr& e) {
    step(e.line);
    switch (e.kind) {
      case ExprKind::kLiteral:
        return {e.value};
      case ExprKind::kName:
        return lookup(e.text);
      case ExprKind::kList: {
        Json list = Json::array();
        for (const auto& part : e.parts) list.push_back(evaluate(*part).json);
        return {list};
      }
      case ExprKind::kMapping: {
        Json mapping = Json::object();
        for (std::size_t i = 0; i + 1 < e.parts.size(); i += 2) {
          mapping[to_text(evaluate(*e.parts[i]))] = evaluate(*e.parts[i + 1]).json;
        }
        return {mapping};
      }
      case ExprKind::kAttribute:
        return member(evaluate(*e.parts[0]), Json(e.text), e.line);
      case ExprKind::kIndex: {
        const Value object = evaluate(*e.parts[0]);
        return member(object, evaluate(*e.parts[1]).json, e.line);
      }
      case ExprKind::kSlice:
        return slice(e);
      case ExprKind::kCall:
        return call(e);
      case ExprKind::kFilter: {
        const Value value = evaluate(*e.parts[0]);
        return call_filter(e.text, value, arguments(e), place(e.line));
      }
      case ExprKind::kTest: {
        const Value value = evaluate(*e.parts[0]);
        return {call_test(e.text, value, arguments(e), place(e.line))};
      }
      case ExprKind::kUnary: {
        const Value value = evaluate(*e.parts[0]);
        if (e.text == "not") return {!truth(value)};
        return binary(e.text, {0}, value, place(e.line));
      }
      case ExprKind::kBinary: {
        Value left = evaluate(*e.parts[0]);
        if (e.text == "and") return truth(left) ? evaluate(*e.parts[1]) : left;
        if (e.text == "or") return truth(left) ? left : evaluate(*e.parts[1]);
        return binary(e.text, left, evaluate(*e.parts[1]), place(e.line));
      }
      case ExprKind::kIf:
        if (truth(evaluate(*e.parts[1]))) return evaluate(*e.parts[0]);
        return e.parts[2] == nullptr ? Value{{}, true} : evaluate(*e.parts[2]);
    }
    return {{}, true};
  }

  static const Json* find_member(const Json& object, const Json& key) {
    if (object.is_object() && key.is_string()) {
      const auto it = object.find(key.get_ref<const std::string&>());
      return it == object.end() ? nullptr : &*it;
    }
    if (!object.is_array() || !key.is_number_integer()) return nullptr;
    const auto n = static_cast<std::int64_t>(object.size());
    std::int64_t i = key.get<std::int64_t>();
    if (i < 0) i += n;
    return i < 0 || i >= n ? nullptr : &object[static_cast<std::size_t>(i)];
  }

  Value member(const Value& object, const Json& key, int line) const {
    LQ_CHECK(!object.undefined, kInvalidArgument, "{}: '{}' of an undefined value", place(line),
             to_text({key}));
    const Json* found = find_member(object.json, key);
    return found == nullptr ? Value{{}, true} : Value{*found};
  }

  Value slice(const Expr& e) {
    const Value object = evaluate(*e.parts[0]);
    LQ_CHECK(object.json.is_array(), kUnsupported, "{}: a slice of {}", place(e.line),
             object.json.type_name());
    const auto n = static_cast<std::int64_t>(object.json.size());
    const auto bound = [&](std::size_t part, std::int64_t fallback) {
      if (e.parts[part] == nullptr) return fallback;
      const Json value = evaluate(*e.parts[part]).json;
      LQ_CHECK(value.is_number_integer() || value.is_null(), kUnsupported, "{}: a slice by {}", place(e.line),
               value.type_name());
      return value.is_null() ? fallback
                             : std::clamp<std::int64_t>(value.get<std::int64_t>(), -(n + 1), n + 1);
    };
    const std::int64_t step = bound(3, 1);
    LQ_CHECK(step == 1 || step == -1, kUnsupported, "{}: a slice with step {}", place(e.line), step);
    Json out = Json::array();
    const auto wrap = [&](std::int64_t i) { return i < 0 ? i + n : i; };
    if (step == 1) {
      const std::int64_t end = std::min(n, wrap(bound(2, n)));
      for (std::int64_t i = std::max<std::int64_t>(0, wrap(bound(1, 0))); i < end; ++i)
        out.push_back(object.json[static_cast<std::size_t>(i)]);
    } else {
      const std::int64_t end = e.parts[2] == nullptr ? -1 : std::max<std::int64_t>(-1, wrap(bound(2, 0)));
      for (std::int64_t i = std::min(n - 1, wrap(bound(1, n - 1))); i > end; --i)
        out.push_back(object.json[static_cast<std::size_t>(i)]);
    }
    return {out};
  }

  Value call(const Expr& e) {
    const Expr& what = *e.parts[0];
    if (what.kind == ExprKind::kAttribute) {
      const Value object = evaluate(*what.parts[0]);
      return call_method(what.text, object, arguments(e), place(e.line));
    }
    LQ_CHECK(what.kind == ExprKind::kName, kUnsupported, "{}: a call of something without a name",
             place(e.line));
    const Arguments given = arguments(e);
    if (what.text == "raise_exception") {
      fail(ErrorCode::kInvalidArgument, "{}: {}", who_, given.values.empty() ? "" : to_text(given.values[0]));
    }
    if (what.text == "namespace" || what.text == "dict") {
      Json object = Json::object();
      for (std::size_t i = 0; i < given.values.size(); ++i) object[given.names[i]] = given.values[i].json;
      return {object};
    }
    if (what.text == "range") {
      const Json *first = given.get(0, "start"), *second = given.get(1, "stop");
      LQ_CHECK(first != nullptr && first->is_number_integer() &&
                   (second == nullptr || second->is_number_integer()),
               kUnsupported, "{}: range of something else than whole numbers", place(e.line));
      const std::int64_t begin = second == nullptr ? 0 : first->get<std::int64_t>();
      const std::int64_t end = second == nullptr ? first->get<std::int64_t>() : second->get<std::int64_t>();
      LQ_CHECK(end <= begin || (end <= 10000 && begin >= -10000), kUnsupported, "{}: a range up to {}",
               place(e.line), end);
      Json list = Json::array();
      for (std::int64_t i = begin; i < end; ++i) {
        step(e.line);
        list.push_back(i);
      }
      return {list};
    }
    fail(ErrorCode::kUnsupported, "{}: the function '{}'", place(e.line), what.text);
  }

  const std::string& who_;
  std::vector<Json> scopes_;
  std::string out_;
  int steps_ = 0;
};

}  // namespace
}  // namespace jinja

Jinja::Jinja(std::string_view source, const std::string& who) {
  auto impl = std::make_unique<Impl>();
  impl->who = who;
  impl->nodes = jinja::parse(source, who);
  impl_ = std::move(impl);
}
Jinja::~Jinja() = default;
Jinja::Jinja(Jinja&&) noexcept = default;
Jinja& Jinja::operator=(Jinja&&) noexcept = default;

std::string Jinja::render(const nlohmann::json& variables) const {
  return jinja::Evaluation(impl_->who, variables).run(impl_->nodes);
}

}  // namespace lq
