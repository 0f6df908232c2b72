"""What Nginx asks before it lets a request with a credential through; for nobody else."""
