"""What every Vitrine service needs, and nothing that one service alone knows."""
