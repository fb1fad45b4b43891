//! A query from its words, without recursion: it has no nesting.

use sfbridge_values::SalesforceId;

use super::condition::{Condition, Operator};
use super::tokens::{Token, TokenKind, malformed, tokens};
use super::{Order, Query, at, no_such_column};
use crate::refusal::Refusal;
use crate::schema::{Field, Kind, ObjectType, Schema};
use crate::value::{self, Value};

/// Reads a query and checks its names.
pub(super) fn parse(text: &str, schema: &Schema) -> Result<Query, Refusal> {
    let parser = Parser {
        query: text,
        schema,
        tokens: tokens(text)?,
        next: 0,
    };
    parser.query()
}

struct Parser<'a> {
    query: &'a str,
    schema: &'a Schema,
    tokens: Vec<Token>,
    next: usize,
}

impl Parser<'_> {
    fn query(mut self) -> Result<Query, Refusal> {
        self.keyword("SELECT")?;
        let names = self.selected()?;
        self.keyword("FROM")?;
        let object = self.object()?;
        let fields = match names {
            None => None,
            Some(names) => {
                let fields = names
                    .iter()
                    .map(|(name, position)| Ok(self.field(object, name, *position)?.name.clone()));
                Some(fields.collect::<Result<Vec<_>, Refusal>>()?)
            }
        };
        let mut query = Query {
            fields,
            object,
            conditions: Vec::new(),
            order: None,
            limit: None,
        };
        if self.take("WHERE") {
            query.conditions.push(self.condition(object)?);
            while self.take("AND") {
                query.conditions.push(self.condition(object)?);
            }
        }
        if self.take("ORDER") {
            self.keyword("BY")?;
            let (name, position) = self.name()?;
            let field = self.field(object, &name, position)?.name.clone();
            let is_descending = self.take("DESC");
            if !is_descending {
                self.take("ASC");
            }
            query.order = Some(Order {
                field,
                is_descending,
            });
        }
        if self.take("LIMIT") {
            let (word, position) = self.name()?;
            let limit = word.parse();
            query.limit = Some(limit.map_err(|_| self.unexpected_at(position, &word))?);
        }
        match self.tokens.get(self.next) {
            None => Ok(query),
            Some(token) => Err(self.unexpected(token)),
        }
    }

    /// The names that are selected, with their places; none for `COUNT()`.
    fn selected(&mut self) -> Result<Option<Vec<(String, usize)>>, Refusal> {
        let first = self.name()?;
        if first.0.eq_ignore_ascii_case("COUNT") && self.take_kind(&TokenKind::Open) {
            if self.take_kind(&TokenKind::Close) {
                return Ok(None);
            }
            return Err(self.unexpected_next());
        }
        let mut names = vec![first];
        while self.take_kind(&TokenKind::Comma) {
            names.push(self.name()?);
        }
        Ok(Some(names))
    }

    fn object(&mut self) -> Result<ObjectType, Refusal> {
        let (name, position) = self.name()?;
        ObjectType::named(&name).ok_or_else(|| {
            let message = format!(
                "sObject type '{name}' is not supported. If you are attempting to use a custom \
                 object, be sure to append the '__c' after the entity name. Please reference your \
                 WSDL or the describe call for the appropriate names."
            );
            Refusal::new("INVALID_TYPE", at(self.query, position, &message))
        })
    }

    fn condition(&mut self, object: ObjectType) -> Result<Condition, Refusal> {
        let (name, position) = self.name()?;
        let field = self.field(object, &name, position)?.clone();
        if matches!(field.kind, Kind::Address) || field.kind.length() > 255 {
            let message = format!("field '{}' can not be filtered in a query call", field.name);
            return Err(Refusal::new(
                "INVALID_FIELD",
                at(self.query, position, &message),
            ));
        }
        let operator = self.operator()?;
        let values = if matches!(operator, Operator::In | Operator::NotIn) {
            self.list(&field)?
        } else {
            vec![self.value(&field)?]
        };
        Ok(Condition::new(field.name, operator, values))
    }

    fn operator(&mut self) -> Result<Operator, Refusal> {
        if self.take("IN") {
            return Ok(Operator::In);
        }
        if self.take("NOT") {
            self.keyword("IN")?;
            return Ok(Operator::NotIn);
        }
        let Some(TokenKind::Operator(sign)) = self.tokens.get(self.next).map(|token| &token.kind)
        else {
            return Err(self.unexpected_next());
        };
        let operator = match *sign {
            "=" => Operator::Equal,
            "!=" => Operator::NotEqual,
            "<" => Operator::Less,
            "<=" => Operator::LessOrEqual,
            ">" => Operator::Greater,
            _ => Operator::GreaterOrEqual,
        };
        self.next += 1;
        Ok(operator)
    }

    fn list(&mut self, field: &Field) -> Result<Vec<Option<Value>>, Refusal> {
        if !self.take_kind(&TokenKind::Open) {
            return Err(self.unexpected_next());
        }
        let mut values = vec![self.value(field)?];
        while self.take_kind(&TokenKind::Comma) {
            values.push(self.value(field)?);
        }
        if !self.take_kind(&TokenKind::Close) {
            return Err(self.unexpected_next());
        }
        Ok(values)
    }

    /// What a field is compared with.
    fn value(&mut self, field: &Field) -> Result<Option<Value>, Refusal> {
        let Some(token) = self.tokens.get(self.next).cloned() else {
            return Err(self.unexpected_next());
        };
        self.next += 1;
        if token.is("null") {
            return Ok(None);
        }
        let wrong = |quotes: &str| {
            let kind = field.kind.name();
            let message = format!(
                "value of filter criterion for field '{}' must be of type {kind} and should \
                 {quotes}be enclosed in quotes",
                field.name
            );
            Refusal::new("INVALID_FIELD", at(self.query, token.position, &message))
        };
        let is_quoted = field.kind.length() > 0;
        let text = match &token.kind {
            TokenKind::Text(text) if is_quoted => text,
            TokenKind::Word(word) if !is_quoted => word,
            TokenKind::Text(_) => return Err(wrong("not ")),
            TokenKind::Word(_) => return Err(wrong("")),
            _ => return Err(self.unexpected(&token)),
        };
        match field.kind {
            Kind::Id | Kind::Reference { .. } => {
                let id = SalesforceId::parse(text)
                    .ok()
                    .filter(SalesforceId::is_checked);
                let id = id.ok_or_else(|| {
                    let message = format!("invalid ID field: {text}");
                    let message = at(self.query, token.position, &message);
                    Refusal::new("INVALID_QUERY_FILTER_OPERATOR", message)
                })?;
                Ok(Some(Value::text(id.to_long().as_str())))
            }
            _ if is_quoted => Ok(Some(Value::text(text.as_str()))),
            _ => {
                let json = serde_json::Value::from(text.as_str());
                value::read(field, &json).map_err(|_| wrong("not "))
            }
        }
    }

    fn field(&self, object: ObjectType, name: &str, position: usize) -> Result<&Field, Refusal> {
        // A name may be qualified by its object.
        let bare = match name.split_once('.') {
            Some((qualifier, bare)) if ObjectType::named(qualifier) == Some(object) => bare,
            _ => name,
        };
        let found = self.schema.field(object, bare);
        found.ok_or_else(|| no_such_column(self.query, position, name, object.name()))
    }

    /// The next word that is no text, with its place.
    fn name(&mut self) -> Result<(String, usize), Refusal> {
        match self.tokens.get(self.next) {
            Some(Token {
                kind: TokenKind::Word(word),
                position,
            }) => {
                self.next += 1;
                Ok((word.clone(), *position))
            }
            _ => Err(self.unexpected_next()),
        }
    }

    fn keyword(&mut self, word: &str) -> Result<(), Refusal> {
        if self.take(word) {
            return Ok(());
        }
        Err(self.unexpected_next())
    }

    fn take(&mut self, word: &str) -> bool {
        let is_next = self
            .tokens
            .get(self.next)
            .is_some_and(|token| token.is(word));
        self.next += usize::from(is_next);
        is_next
    }

    fn take_kind(&mut self, kind: &TokenKind) -> bool {
        let is_next = self
            .tokens
            .get(self.next)
            .is_some_and(|token| token.kind == *kind);
        self.next += usize::from(is_next);
        is_next
    }

    fn unexpected(&self, token: &Token) -> Refusal {
        self.unexpected_at(token.position, token.shown())
    }

    fn unexpected_at(&self, position: usize, shown: &str) -> Refusal {
        let message = format!("unexpected token: '{shown}'");
        malformed(self.query, position, &message)
    }

    fn unexpected_next(&self) -> Refusal {
        match self.tokens.get(self.next) {
            Some(token) => self.unexpected(token),
            None => malformed(self.query, self.query.len(), "unexpected token: '<EOF>'"),
        }
    }
}
