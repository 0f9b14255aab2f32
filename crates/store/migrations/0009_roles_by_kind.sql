-- Who decides is looked up by the kind of role, at every decision.
CREATE INDEX role_assignment_kind ON role_assignment (role, state);
