"""What a person decides before an agent may act: approval, veto, separation of duties, taint."""
